import type { ViewPosition } from "../ports/view.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import { decodeTail } from "./tail-record.ts";

/** Where the log ends now; null: it has not begun. Rejects with `retry` at the deadline. */
export async function readTail(
  parts: { readonly members: EtcdMembers; readonly keys: EtcdKeys; readonly logId: string },
  deadlineMs: number,
): Promise<ViewPosition | null> {
  const { members, keys, logId } = parts;
  const answer = await members.insist("read the tail", deadlineMs, (client, options) =>
    client.kv.range({ key: keys.tail }, options),
  );
  const kv = answer.kvs[0];
  if (kv === undefined) return null;
  return {
    logId,
    revision: Number(kv.mod_revision),
    term: 1,
    sequence: Number(kv.version),
    checksum: decodeTail(kv.value).batch,
  };
}
