import { ClusterFailure, newId, type ClusterId, type Random, type SessionId } from "@kakera/kernel";
import { hasRevision } from "./change-batch.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import {
  decodeLogIdentity,
  encodeLogIdentity,
  newLogIdentity,
  readIdentity,
  type LogIdentity,
} from "./log-identity.ts";
import { readTail } from "./read-tail.ts";
import { encodeTail } from "./tail-record.ts";

const nobody = "0".repeat(32) as SessionId;

/**
 * Begins the log where there is none: its identity, and the chain of tails, whose first batch changes nothing. Resolves with the identity
 * that it has. Rejects with `halt` when it is another cluster's than `clusterId` (null: whichever), or was not restored to its end.
 */
export async function formTail(
  parts: { members: EtcdMembers; keys: EtcdKeys; random: Random; clusterId: ClusterId | null },
  deadlineMs: number,
): Promise<LogIdentity> {
  const { members, keys, random, clusterId } = parts;
  // At its quota etcd refuses a transaction that would put something, whether it comes to that or not.
  const seen = await readIdentity(parts, deadlineMs);
  if (seen !== null) return checkOwn(parts, await whole(parts, seen, deadlineMs));
  const value = firstTail(random);
  const identity = encodeLogIdentity(newLogIdentity(clusterId ?? newId("cluster", random), random));
  const answer = await members.insist("begin the log", deadlineMs, (client, options) =>
    client.kv.txn(
      {
        // While it is being restored only the halt is there.
        compare: [keys.tail, keys.identity, keys.halt].map((key) => hasRevision(key, 0)),
        success: [{ request_put: { key: keys.identity, value: identity } }, { request_put: { key: keys.tail, value } }],
        failure: [{ request_range: { key: keys.identity } }, { request_range: { key: keys.tail } }],
      },
      options,
    ),
  );
  if (answer.succeeded) return decodeLogIdentity(identity);
  const [own, tail] = answer.responses.map((response) => response.response_range?.kvs[0]);
  if (own === undefined || tail === undefined) throw unfinished(keys);
  return checkOwn(parts, decodeLogIdentity(own.value));
}

/** A tail that follows none. */
export function firstTail(random: Random): Buffer {
  return encodeTail({ batch: newId("change", random), session: nobody, changeCount: 0 });
}

async function whole(
  { members, keys }: { members: EtcdMembers; keys: EtcdKeys },
  identity: LogIdentity,
  deadlineMs: number,
): Promise<LogIdentity> {
  if ((await readTail({ members, keys, logId: identity.logId }, deadlineMs)) === null) throw unfinished(keys);
  return identity;
}

function checkOwn(of: { keys: EtcdKeys; clusterId: ClusterId | null }, found: LogIdentity): LogIdentity {
  if (of.clusterId === null || found.clusterId === of.clusterId) return found;
  throw new ClusterFailure(
    "halt",
    `etcd holds the metadata of cluster ${found.clusterId} under ${of.keys.prefix}, and not that of ${of.clusterId}`,
    { reason: "DRIVE_FOREIGN" },
  );
}

function unfinished({ prefix }: EtcdKeys): ClusterFailure {
  return new ClusterFailure(
    "halt",
    `the metadata under ${prefix} in etcd is not whole: finish the restoration with kakera recover-metadata`,
    { reason: "LOG_UNREACHABLE" },
  );
}
