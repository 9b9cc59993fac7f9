import { InterceptingCall, type CallOptions } from "@grpc/grpc-js";
import { noop } from "cockatiel";
import { Etcd3 } from "etcd3";
import type { EtcdClient } from "../etcd-client.ts";
import type { EtcdAccess } from "../etcd-members.ts";
import { quotaOfMember } from "./quota-of-member.ts";
import { allowAddress } from "./tls-by-address.ts";

/** A member's client over gRPC. */
export function openGrpcClient(endpoint: string, access: Pick<EtcdAccess, "auth" | "tls">): EtcdClient {
  const client = new Etcd3({
    hosts: [endpoint],
    ...(access.tls === undefined ? {} : { credentials: { ...access.tls } }),
    ...(access.auth === undefined ? {} : { auth: { ...access.auth } }),
    faultHandling: { host: () => noop, global: noop },
    grpcOptions: {
      // A catch-up comes in messages of many megabytes (correctness.md V2).
      "grpc.max_receive_message_length": -1,
      // Well above etcd's --grpc-keepalive-min-time of 5 s: an idle watch with pings of 5 s, some of them early by a few ms, lost its connection
      // every few minutes ("too many pings", told as RESOURCE_EXHAUSTED), and with it what was under way.
      "grpc.keepalive_time_ms": 7_000,
      "grpc.keepalive_timeout_ms": 3_000,
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 1_000,
      // Channels to one member are not shared: a watch in its catch-up must not hold up commits (F21).
      "grpc.use_local_subchannel_pool": 1,
    },
  });
  allowAddress(client, endpoint, access.tls);
  const { kv, leaseClient, maintenance, watchClient } = client;
  return {
    kv,
    leaseClient,
    maintenance,
    watchClient: { watch: () => watchClient.watch(watchOptions) },
    quotaBytes: (options) => quotaOfMember(client, options),
    close: () => client.close(),
  };
}

const watchOptions: CallOptions = {
  interceptors: [
    (options, next) =>
      new InterceptingCall(next(options), {
        start(metadata, listener, start) {
          metadata.set("hasleader", "true");
          start(metadata, listener);
        },
      }),
  ],
};
