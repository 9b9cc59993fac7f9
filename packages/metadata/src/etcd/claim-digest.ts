import type { Clock } from "@kakera/kernel";
import { hasRevision } from "./change-batch.ts";
import type { EtcdAccess } from "./etcd-members.ts";
import { withConnection, type ConnectionSettings } from "./with-connection.ts";

/**
 * What all nodes of a cluster have to agree on, as a digest: the first that asks writes it down, and the others are told. Resolves with what
 * is written down. Rejects with `retry`.
 */
export async function claimDigest(
  components: { readonly access: EtcdAccess; readonly clock: Clock },
  settings: ConnectionSettings,
  digest: { readonly name: string; readonly value: string },
): Promise<string> {
  return withConnection(components, settings, async (connection) => {
    const key = connection.keys.digest(digest.name);
    const seen = await connection.ask("read what the nodes agree on", (client, options) =>
      client.kv.range({ key }, options),
    );
    if (seen.kvs[0] !== undefined) return seen.kvs[0].value.toString();
    const put = { key, value: Buffer.from(digest.value) };
    const answer = await connection.ask("write down what the nodes agree on", (client, options) =>
      client.kv.txn(
        { compare: [hasRevision(key, 0)], success: [{ request_put: put }], failure: [{ request_range: { key } }] },
        options,
      ),
    );
    if (answer.succeeded) return digest.value;
    return answer.responses[0]?.response_range.kvs[0]?.value.toString() ?? "";
  });
}
