import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import { decodeReport, neededBy } from "./position-report.ts";

/** More processes than a cluster has. */
const sessionsMax = 10_000;

/**
 * The revision from which on some live process needs etcd's history. null = not every live session has said what it needs: no silence is
 * taken for consent. A process without a session is not asked: its view is read anew if it needs more (correctness.md F1).
 */
export async function lowestNeeded(
  parts: { members: EtcdMembers; keys: EtcdKeys },
  deadlineMs: number,
): Promise<number | null> {
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
  const nameIn = (range: { from: Buffer }, key: Buffer): string =>
    key.subarray(range.from.byteLength).toString("latin1");
  const needed = new Map(reports.kvs.map((row) => [nameIn(keys.reports, row.key), neededBy(decodeReport(row.value))]));
  const all = sessions.kvs.map((row) => needed.get(nameIn(keys.sessions, row.key)) ?? null);
  return all.length === 0 || all.includes(null) ? null : Math.min(...(all as number[]));
}
