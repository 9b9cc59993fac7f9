import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";

/** Whether somebody else keeps keys in this etcd: its history and its room are not ours alone then. */
export async function isShared(parts: { members: EtcdMembers; keys: EtcdKeys }, deadlineMs: number): Promise<boolean> {
  const { members, keys } = parts;
  for (const { from, to } of keys.others) {
    const answer = await members.insist("look for others' keys", deadlineMs, (client, options) =>
      client.kv.range({ key: from, range_end: to, limit: 1, keys_only: true }, options),
    );
    if (answer.kvs.length > 0) return true;
  }
  return false;
}
