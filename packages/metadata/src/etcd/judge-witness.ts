import type { ViewPosition } from "../ports/view.ts";
import { fateOf } from "./etcd-failure.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import type { LogIdentity } from "./log-identity.ts";
import { readTail } from "./read-tail.ts";
import { decodeTail } from "./tail-record.ts";

/**
 * - `same`: etcd has that very batch
 * - `compacted`: the batch is in its past, and nobody can tell any more whether it was that very one
 * - `restored`: the witness is of a log that this one was restored from
 * - `other`: etcd has another batch there, or is another log
 * - `ahead`: etcd does not reach so far
 */
export type WitnessVerdict = "same" | "compacted" | "restored" | "other" | "ahead";

/** Holds what a drive remembers of the log against what etcd says (correctness.md F15). Rejects with `retry` at the deadline. */
export async function judgeWitness(
  parts: { readonly members: EtcdMembers; readonly keys: EtcdKeys; readonly identity: LogIdentity },
  witness: ViewPosition,
  deadlineMs: number,
): Promise<WitnessVerdict> {
  const { members, keys, identity } = parts;
  if (witness.logId !== identity.logId) return identity.restoredFrom === null ? "other" : "restored";
  const tail = await readTail({ ...parts, logId: identity.logId }, deadlineMs);
  if (tail === null || tail.sequence < witness.sequence) return "ahead";
  if (tail.revision < witness.revision) return "other";
  try {
    const then = await members.insist("read the tail of then", deadlineMs, (client, options) =>
      client.kv.range({ key: keys.tail, revision: String(witness.revision) }, options),
    );
    const kv = then.kvs[0];
    const isThere = kv !== undefined && Number(kv.mod_revision) === witness.revision;
    const isSame =
      isThere && Number(kv.version) === witness.sequence && decodeTail(kv.value).batch === witness.checksum;
    return isSame ? "same" : "other";
  } catch (failure) {
    if (fateOf((failure as Error).cause ?? failure) === "compacted") return "compacted";
    throw failure;
  }
}
