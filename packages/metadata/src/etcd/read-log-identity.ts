import type { Clock } from "@kakera/kernel";
import type { EtcdAccess } from "./etcd-members.ts";
import { readIdentity, type LogIdentity } from "./log-identity.ts";
import { withConnection, type ConnectionSettings } from "./with-connection.ts";

/** Whose log lies under the prefix; null: nobody's. Rejects with `retry`, or `halt` for a version that loses events. */
export async function readLogIdentity(
  components: { readonly access: EtcdAccess; readonly clock: Clock },
  settings: ConnectionSettings,
): Promise<LogIdentity | null> {
  return withConnection(components, settings, (connection) => readIdentity(connection, connection.deadlineMs()));
}
