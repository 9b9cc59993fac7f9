import type { IRangeResponse } from "etcd3";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";

/**
 * Somebody has seen what etcd contradicts: it was restored from an older copy, or is another one. Until an operator has decided, nothing
 * is written and nothing is deleted, by anybody (correctness.md F15).
 */
export async function writeHalt(
  parts: { members: EtcdMembers; keys: EtcdKeys },
  reason: string,
  deadlineMs: number,
): Promise<void> {
  const { members, keys } = parts;
  await members.insist("write the halt", deadlineMs, (client, options) =>
    client.kv.put({ key: keys.halt, value: Buffer.from(reason) }, options),
  );
}

/** The reason in an answer that asked for the halt's key; null = go on. */
export function haltReason(answer: IRangeResponse | undefined): string | null {
  return answer?.kvs[0]?.value.toString() ?? null;
}
