import { newId, type Random, type SessionId } from "@kakera/kernel";
import { hasRevision } from "./change-batch.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import { encodeTail } from "./tail-record.ts";

const nobody = "0".repeat(32) as SessionId;

/** Begins the chain of tails where there is none: the first batch changes nothing. `clusterId`: etcd's own, in hex. */
export async function formTail(
  parts: { members: EtcdMembers; keys: EtcdKeys; random: Random },
  deadlineMs: number,
): Promise<{ clusterId: string }> {
  const { members, keys, random } = parts;
  const value = encodeTail({ batch: newId("change", random), session: nobody, changeCount: 0 });
  const answer = await members.insist("begin the log", deadlineMs, (client, options) =>
    client.kv.txn(
      { compare: [hasRevision(keys.tail, 0)], success: [{ request_put: { key: keys.tail, value } }], failure: [] },
      options,
    ),
  );
  return { clusterId: BigInt(answer.header.cluster_id).toString(16).padStart(16, "0") };
}
