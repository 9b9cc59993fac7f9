import { ClusterFailure, type Clock } from "@kakera/kernel";
import { hasRevision } from "./change-batch.ts";
import type { EtcdAccess } from "./etcd-members.ts";
import { haltReason } from "./halt.ts";
import { decodeLogIdentity, encodeLogIdentity } from "./log-identity.ts";
import { withConnection, type ConnectionSettings } from "./with-connection.ts";

/**
 * The operator's word on a log that was halted or restored: the halt goes, and shards that no record names need not be kept any longer.
 * Resolves with the reason of the halt, or null when there was none.
 */
export async function acceptLoss(
  components: { readonly access: EtcdAccess; readonly clock: Clock },
  settings: ConnectionSettings,
): Promise<string | null> {
  return withConnection(components, settings, async (connection) => {
    const { keys } = connection;
    const answer = await connection.ask("read halt and identity", (client, options) =>
      client.kv.txn(
        {
          compare: [],
          success: [keys.halt, keys.identity, keys.tail].map((key) => ({ request_range: { key } })),
          failure: [],
        },
        options,
      ),
    );
    const [halt, own, tail] = answer.responses.map((response) => response.response_range);
    const [identity] = own?.kvs ?? [];
    if (identity === undefined || tail?.kvs.length !== 1)
      throw new ClusterFailure("halt", `there is no whole log under ${keys.prefix}`, { reason: "LOG_UNREACHABLE" });
    const accepted = { ...decodeLogIdentity(identity.value), keepsUnproven: false };
    const accepting = await connection.ask("accept the loss", (client, options) =>
      client.kv.txn(
        {
          compare: [hasRevision(keys.identity, identity.mod_revision)],
          success: [
            { request_put: { key: keys.identity, value: encodeLogIdentity(accepted) } },
            { request_delete_range: { key: keys.halt } },
          ],
          failure: [],
        },
        options,
      ),
    );
    if (!accepting.succeeded)
      throw new ClusterFailure("retry", "the log changed meanwhile: say it again", { reason: "LOG_UNREACHABLE" });
    return haltReason(halt);
  });
}
