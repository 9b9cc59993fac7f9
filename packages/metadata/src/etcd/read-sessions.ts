import { idFromBytes, type SessionId } from "@kakera/kernel";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import { decodeReport, type PositionReport } from "./position-report.ts";

/** More processes than a cluster has. */
const sessionsMax = 10_000;

/** A session that lives, and what its process has reported last; null: nothing yet. */
export interface LiveSession {
  readonly createRevision: number;
  readonly report: PositionReport | null;
}

/**
 * Every session that lives at this moment: who is not named is gone for ever, as ids are not used twice. null: there are more than can be
 * listed. Rejects with `retry` at the deadline.
 */
export async function readSessions(
  parts: { members: EtcdMembers; keys: EtcdKeys },
  deadlineMs: number,
): Promise<ReadonlyMap<SessionId, LiveSession> | null> {
  const { members, keys } = parts;
  const answer = await members.insist("read the reports", deadlineMs, (client, options) =>
    client.kv.txn(
      {
        compare: [],
        success: [
          {
            request_range: {
              key: keys.sessions.from,
              range_end: keys.sessions.to,
              limit: sessionsMax,
              keys_only: true,
            },
          },
          { request_range: { key: keys.reports.from, range_end: keys.reports.to, limit: sessionsMax } },
        ],
        failure: [],
      },
      options,
    ),
  );
  const [sessions, reports] = answer.responses.map((response) => response.response_range);
  if (sessions === undefined || reports === undefined || sessions.more || reports.more) return null;
  const idIn = (range: { from: Buffer }, key: Buffer): SessionId =>
    idFromBytes("session", key.subarray(range.from.byteLength));
  const reported = new Map(reports.kvs.map(({ key, value }) => [idIn(keys.reports, key), decodeReport(value)]));
  return new Map(
    sessions.kvs.map(({ key, create_revision: createRevision }) => {
      const session = idIn(keys.sessions, key);
      return [session, { createRevision: Number(createRevision), report: reported.get(session) ?? null }];
    }),
  );
}
