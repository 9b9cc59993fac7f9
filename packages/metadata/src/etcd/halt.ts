import type { IRangeResponse } from "etcd3";
import { hasRevision } from "./change-batch.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import { decodeLogIdentity } from "./log-identity.ts";

/**
 * Somebody has seen what etcd contradicts: it was restored from an older copy, or is another one. Until an operator has decided, nothing
 * is written and nothing is deleted, by anybody (correctness.md F15). `another log`: what lies there by now is not the log that was
 * contradicted, but one that was restored since, and is left alone.
 */
export async function writeHalt(
  parts: { members: EtcdMembers; keys: EtcdKeys; logId: string },
  reason: string,
  deadlineMs: number,
): Promise<"written" | "another log"> {
  const { members, keys, logId } = parts;
  for (;;) {
    const seen = await members.insist("read whose log it is", deadlineMs, (client, options) =>
      client.kv.range({ key: keys.identity }, options),
    );
    const [identity] = seen.kvs;
    // Where nobody says whose log it is, it is being restored, and halted by that.
    if (identity === undefined || decodeLogIdentity(identity.value).logId !== logId) return "another log";
    const answer = await members.insist("write the halt", deadlineMs, (client, options) =>
      client.kv.txn(
        {
          compare: [hasRevision(keys.identity, identity.mod_revision)],
          success: [{ request_put: { key: keys.halt, value: Buffer.from(reason) } }],
          failure: [],
        },
        options,
      ),
    );
    if (answer.succeeded) return "written";
  }
}

/** The reason in an answer that asked for the halt's key; null = go on. */
export function haltReason(answer: IRangeResponse | undefined): string | null {
  return answer?.kvs[0]?.value.toString() ?? null;
}
