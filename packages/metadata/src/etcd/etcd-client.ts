import type { Etcd3 } from "etcd3";

/** What is used of the client library for one member: its stubs, whose calls are sent once and as they are. */
export interface EtcdClient {
  readonly kv: Pick<Etcd3["kv"], "range" | "txn" | "compact">;
  readonly leaseClient: Pick<Etcd3["leaseClient"], "leaseGrant" | "leaseRevoke" | "leaseKeepAlive">;
  readonly watchClient: Pick<Etcd3["watchClient"], "watch">;
  readonly maintenance: Pick<Etcd3["maintenance"], "status" | "alarm" | "defragment">;
  close(): void;
}
