import type { ViewPosition } from "../ports/view.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import { decodeTail } from "./tail-record.ts";

export interface TailParts {
  readonly members: EtcdMembers;
  readonly keys: EtcdKeys;
  readonly logId: string;
}

/** Where the log ends now; null: it has not begun. Rejects with `retry` at the deadline. */
export async function readTail(parts: TailParts, deadlineMs: number): Promise<ViewPosition | null> {
  return (await readTailAt(parts, deadlineMs)).tail;
}

/** The same, and etcd's own revision at that moment: the next batch of the log comes behind it. */
export async function readTailAt(
  parts: TailParts,
  deadlineMs: number,
): Promise<{ readonly tail: ViewPosition | null; readonly revision: number }> {
  const { members, keys, logId } = parts;
  const answer = await members.insist("read the tail", deadlineMs, (client, options) =>
    client.kv.range({ key: keys.tail }, options),
  );
  const revision = Number(answer.header.revision);
  const kv = answer.kvs[0];
  if (kv === undefined) return { tail: null, revision };
  const tail = {
    logId,
    revision: Number(kv.mod_revision),
    term: 1,
    sequence: Number(kv.version),
    checksum: decodeTail(kv.value).batch,
  };
  return { tail, revision };
}
