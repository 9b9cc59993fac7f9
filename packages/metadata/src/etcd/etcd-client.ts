import type { CallOptions } from "@grpc/grpc-js";
import type { Etcd3 } from "etcd3";

/** What is used of the client library for one member: its stubs, whose calls are sent once and as they are. */
export interface EtcdClient {
  readonly kv: Pick<Etcd3["kv"], "range" | "txn" | "compact">;
  readonly leaseClient: Pick<Etcd3["leaseClient"], "leaseGrant" | "leaseRevoke" | "leaseKeepAlive">;
  /** A watch ends when the member has no leader, instead of staying open and silent. */
  readonly watchClient: Pick<Etcd3["watchClient"], "watch">;
  readonly maintenance: Pick<Etcd3["maintenance"], "status" | "alarm" | "defragment">;
  /** The quota that the member says it has; negative: none; null: it does not say (before 3.6). */
  quotaBytes(options: CallOptions): Promise<number | null>;
  close(): void;
}
