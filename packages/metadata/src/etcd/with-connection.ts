import type { CallOptions } from "@grpc/grpc-js";

import { ClusterFailure, type Clock } from "@kakera/kernel";
import type { EtcdClient } from "./etcd-client.ts";
import { EtcdKeys } from "./etcd-keys.ts";
import { outOfReach } from "./etcd-failure.ts";
import { EtcdMembers, type EtcdAccess } from "./etcd-members.ts";
import { etcdSettingsDefault, type EtcdSettings } from "./etcd-settings.ts";
import { checkVersions } from "./etcd-versions.ts";

export type ConnectionSettings = Pick<EtcdSettings, "prefix"> & Partial<EtcdSettings>;

/** etcd as one asks it who follows no log. */
export interface Connection {
  readonly members: EtcdMembers;
  readonly keys: EtcdKeys;
  /** For a question asked now. */
  deadlineMs(): number;
  /** Of calls that may be done twice. Rejects with `retry` when no member answers in time. */
  ask<T>(what: string, call: (client: EtcdClient, options: CallOptions) => Promise<T>): Promise<T>;
}

/** Connects for as long as `work` takes. Rejects with ClusterFailure: `retry`, or `halt` for a version that loses events. */
export async function withConnection<T>(
  { access, clock }: { readonly access: EtcdAccess; readonly clock: Clock },
  settings: ConnectionSettings,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const whole = { ...etcdSettingsDefault, ...settings };
  const members = await EtcdMembers.open(access, { clock, memberDeadlineMs: whole.memberDeadlineMs });
  const deadlineMs = (): number => clock.monotonicMs() + whole.openDeadlineMs;
  try {
    await checkVersions(members, { deadlineMs: deadlineMs(), isOldAllowed: whole.allowOldEtcd });
    return await work({
      members,
      keys: new EtcdKeys(whole.prefix),
      deadlineMs,
      ask: (what, call) => members.insist(what, deadlineMs(), call),
    });
  } catch (failure) {
    throw failure instanceof ClusterFailure ? failure : outOfReach("etcd cannot be used", failure);
  } finally {
    members.close();
  }
}
