import { otherFormat } from "./other-format.ts";
import { assert, newId, parseId, type ClusterId, type Random } from "@kakera/kernel";
import type { ViewPosition } from "../ports/view.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";

/**
 * Which log lies under the prefix: written when it begins, and again when it was restored from an archive. A snapshot of etcd that is
 * put back has the identity of what it is a snapshot of; what tells them apart are the batches (correctness.md F15).
 */
export interface LogIdentity {
  readonly clusterId: ClusterId;
  /** Another one after every restoration: positions of one mean nothing in the other. */
  readonly logId: string;
  /** The position of another log that this one went on from; null: it began with nothing. */
  readonly restoredFrom: ViewPosition | null;
  /**
   * Shards of writes that the restored position does not know are kept until an operator gives them up: they may be what was
   * acknowledged last. false: also where nothing was restored.
   */
  readonly keepsUnproven: boolean;
}

export function newLogIdentity(
  clusterId: ClusterId,
  random: Random,
  restoredFrom: ViewPosition | null = null,
): LogIdentity {
  return { clusterId, logId: `etcd:${newId("change", random)}`, restoredFrom, keepsUnproven: restoredFrom !== null };
}

/** One line of JSON: read once at a start, and by people who look into etcd. */
export function encodeLogIdentity(identity: LogIdentity): Buffer {
  return Buffer.from(JSON.stringify({ format: 1, ...identity }));
}

/** Throws ClusterFailure `halt` VERSION_SKEW when a newer version wrote it, AssertionFailure when it is none of ours. */
export function decodeLogIdentity(bytes: Uint8Array): LogIdentity {
  const parsed = JSON.parse(Buffer.from(bytes).toString()) as LogIdentity & { format: number };
  if (parsed.format !== 1) throw otherFormat("the identity of the log", parsed.format, 1);
  const clusterId = parseId("cluster", parsed.clusterId);
  assert(clusterId !== null, "the identity of the log in etcd names a cluster");
  const { logId, restoredFrom, keepsUnproven } = parsed;
  return { clusterId, logId, restoredFrom, keepsUnproven };
}

/** null: no log has begun under the prefix. Rejects with `retry` at the deadline. */
export async function readIdentity(
  { members, keys }: { readonly members: EtcdMembers; readonly keys: EtcdKeys },
  deadlineMs: number,
): Promise<LogIdentity | null> {
  const answer = await members.insist("read whose log it is", deadlineMs, (client, options) =>
    client.kv.range({ key: keys.identity }, options),
  );
  const kv = answer.kvs[0];
  return kv === undefined ? null : decodeLogIdentity(kv.value);
}
