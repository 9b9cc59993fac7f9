import type { EtcdClient } from "@kakera/metadata";

// The messages of etcd's API as the client library types them: metadata alone knows that library.
export type TxnRequest = Parameters<EtcdClient["kv"]["txn"]>[0];
export type Compare = NonNullable<TxnRequest["compare"]>[number];
export type RequestOp = NonNullable<TxnRequest["success"]>[number];
export type RangeRequest = Parameters<EtcdClient["kv"]["range"]>[0];
export type KeyValue = Awaited<ReturnType<EtcdClient["kv"]["range"]>>["kvs"][number];

export interface KeyEvent {
  readonly type: "Put" | "Delete";
  readonly kv: KeyValue;
}

export interface WatchMessage {
  readonly header: { readonly revision: string };
  readonly created: boolean;
  readonly canceled: boolean;
  /** "0": it was not for that. */
  readonly compact_revision: string;
  readonly cancel_reason: string;
  readonly events: readonly KeyEvent[];
}

/** Of a watch, what its creator asks for. */
export interface WatchRequest {
  readonly from: string;
  /** null: no end. */
  readonly to: string | null;
  readonly startRevision: number;
}
