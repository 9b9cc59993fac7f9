import type { Clock, ClusterId, Random } from "@kakera/kernel";
import type { EtcdAccess } from "./etcd-members.ts";
import { formTail } from "./form-tail.ts";
import type { LogIdentity } from "./log-identity.ts";
import { withConnection, type ConnectionSettings } from "./with-connection.ts";

/**
 * Whose log lies under the prefix; where there is none, it begins, for the cluster that is given (null: a new one). Of many that ask at
 * the same time one begins it, and all get the same answer. Rejects with `halt` when it is another cluster's, and with `retry`.
 */
export async function claimLogIdentity(
  components: { readonly access: EtcdAccess; readonly clock: Clock; readonly random: Random },
  settings: ConnectionSettings,
  clusterId: ClusterId | null,
): Promise<LogIdentity> {
  const { random } = components;
  return withConnection(components, settings, (connection) =>
    formTail({ members: connection.members, keys: connection.keys, random, clusterId }, connection.deadlineMs()),
  );
}
