import type { Clock, Random } from "@kakera/kernel";
import { EtcdKeys } from "./etcd-keys.ts";
import { EtcdMembers, type EtcdAccess } from "./etcd-members.ts";
import { etcdSettingsDefault } from "./etcd-settings.ts";
import { isSoundVersion } from "./etcd-versions.ts";
import { readStatuses } from "./member-status.ts";
import { decodeNode, type NodeRecord } from "./node-record.ts";
import { isShared } from "./sharing.ts";

/** What somebody who looks from here sees of an etcd. */
export interface EtcdExamination {
  readonly members: readonly EtcdMemberFacts[];
  /** Durations of commits that were made one after the other; null: none could be made. */
  readonly commitMs: readonly number[] | null;
  /** Keys of somebody else are in it; null: nobody says. */
  readonly isShared: boolean | null;
  /** Nodes of the cluster under the prefix that live now. */
  readonly nodes: readonly NodeRecord[];
}

export interface EtcdMemberFacts {
  readonly endpoint: string;
  /** null: it does not answer. */
  readonly answer: {
    readonly version: string;
    readonly isSoundVersion: boolean;
    readonly isLeader: boolean;
    readonly hasLeader: boolean;
    readonly sizeBytes: number;
    /** Infinity: without one. */
    readonly quotaBytes: number;
  } | null;
}

const commitCount = 20;
const nodesMax = 1_000;
const valueBytes = 256;

/**
 * Asks each member for itself, and measures commits: a key of its own below `doctor/` under the prefix, which no node looks at, is written again and again and removed at the
 * end. What cannot be had is null; it rejects for nothing that etcd does or does not do.
 */
export async function examineEtcd(
  { access, clock, random }: { readonly access: EtcdAccess; readonly clock: Clock; readonly random: Random },
  { prefix }: { readonly prefix: string },
): Promise<EtcdExamination> {
  const { memberDeadlineMs } = etcdSettingsDefault;
  const members = await Promise.all(
    access.endpoints.map((endpoint) => examineMember({ ...access, endpoints: [endpoint] }, clock)),
  );
  const all = await EtcdMembers.open(access, { clock, memberDeadlineMs });
  const keys = new EtcdKeys(prefix);
  const deadlineMs = (): number => clock.monotonicMs() + memberDeadlineMs;
  try {
    const commitMs = await measureCommits(all, { prefix, clock, random });
    const { from, to } = keys.nodes;
    const nodes = await all
      .insist("read the nodes", deadlineMs(), (client, options) =>
        client.kv.range({ key: from, range_end: to, limit: nodesMax }, options),
      )
      .then(({ kvs }) => kvs.map(({ value }) => decodeNode(value)).filter((record) => record !== null))
      .catch(() => []);
    return {
      members,
      commitMs,
      isShared: await isShared({ members: all, keys }, deadlineMs()).catch(() => null),
      nodes,
    };
  } finally {
    all.close();
  }
}

async function examineMember(access: EtcdAccess, clock: Clock): Promise<EtcdMemberFacts> {
  const endpoint = access.endpoints[0] as string;
  const member = await EtcdMembers.open(access, { clock, memberDeadlineMs: etcdSettingsDefault.memberDeadlineMs });
  try {
    const [status] = await readStatuses(member, null);
    if (status === undefined) return { endpoint, answer: null };
    const { version, leader } = await member.once((client, options) => client.maintenance.status(options));
    const { isLeader, sizeBytes, quotaBytes } = status;
    const facts = { version, isSoundVersion: isSoundVersion(version), isLeader, sizeBytes, quotaBytes };
    return { endpoint, answer: { ...facts, hasLeader: leader !== "0" } };
  } catch {
    return { endpoint, answer: null }; // it went away between two questions
  } finally {
    member.close();
  }
}

async function measureCommits(
  members: EtcdMembers,
  { prefix, clock, random }: { readonly prefix: string; readonly clock: Clock; readonly random: Random },
): Promise<number[] | null> {
  const key = Buffer.from(`${prefix}doctor/${Buffer.from(random.bytes(8)).toString("hex")}`);
  const value = Buffer.from(random.bytes(valueBytes));
  const commitMs: number[] = [];
  try {
    for (let i = 0; i < commitCount; i++) {
      const startedMs = clock.monotonicMs();
      await members.once((client, options) => client.kv.txn({ success: [{ request_put: { key, value } }] }, options));
      commitMs.push(clock.monotonicMs() - startedMs);
    }
    return commitMs;
  } catch {
    return null; // no leader, no room, or no right: members and their answers say which
  } finally {
    await members
      .once((client, options) => client.kv.txn({ success: [{ request_delete_range: { key } }] }, options))
      .catch(() => undefined);
  }
}
