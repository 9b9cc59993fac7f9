import type { EtcdClient } from "@kakera/metadata";
import type { Machine } from "../world/machine.ts";
import type { Network } from "../world/network.ts";
import type { World } from "../world/world.ts";
import { deadlineExceeded, EtcdError, unavailable } from "./etcd-error.ts";
import type { RangeRequest, TxnRequest } from "./etcd-messages.ts";
import type { SimulatedEtcd } from "./simulated-etcd.ts";
import { WatchDuplex } from "./watch-duplex.ts";

export interface EtcdLink {
  readonly world: World;
  readonly network: Network;
  readonly etcd: SimulatedEtcd;
  readonly client: Machine;
  readonly member: Machine;
  /** Is told of each watch that is opened. */
  readonly onWatch: (watch: WatchDuplex) => void;
  /** Is told of the revision of each message of a watch that brings events. */
  readonly onMessage: (revision: number) => void;
}

interface CallOptions {
  /** Wall time of the client, milliseconds. */
  readonly deadline?: unknown;
}

const versionOfModel = "3.6.9";
const deadlineMsMax = 10_000;

/** The stubs of one member, as one process calls them over the network. */
export function createMemberClient(link: EtcdLink): EtcdClient {
  const { etcd, member } = link;
  const header = (revision = etcd.store.revision): object => ({
    revision: String(revision),
    member_id: member.name,
    cluster_id: "1",
    raft_term: String(etcd.term),
  });
  const call = <T>(kind: "read" | "write", options: CallOptions | undefined, run: () => T): Promise<never> =>
    callMember(link, { kind, options, run }) as Promise<never>;
  return {
    kv: {
      range: (request: RangeRequest, options) =>
        call("read", options, () => ({ header: header(), ...etcd.store.range(request) })),
      txn: (request: TxnRequest, options) =>
        call(isReading(request) ? "read" : "write", options, () => {
          const { answer, written } = etcd.store.txn(request, (id) => etcd.hasLease(id));
          etcd.publish(written);
          return { header: header(), ...answer };
        }),
      compact: ({ revision }, options) =>
        call("write", options, () => {
          etcd.store.compact(Number(revision));
          link.world.fired("compaction");
          return { header: header() };
        }),
    },
    leaseClient: {
      leaseGrant: ({ TTL: ttl }, options) =>
        call("write", options, () => ({
          header: header(),
          ID: etcd.grantLease(Number(ttl)),
          TTL: String(ttl),
          error: "",
        })),
      leaseRevoke: ({ ID: id }, options) =>
        call("write", options, () => {
          etcd.revokeLease(String(id));
          return { header: header() };
        }),
      leaseKeepAlive: (options) => Promise.resolve(keepAliveStream(link, options) as never),
    },
    watchClient: {
      watch: () => {
        const watch = new WatchDuplex(link);
        link.onWatch(watch);
        return Promise.resolve(watch as never);
      },
    },
    quotaBytes: () => Promise.resolve(null),
    maintenance: {
      status: (options) =>
        call("read", options, () => ({
          header: header(),
          version: versionOfModel,
          dbSize: "20480",
          dbSizeInUse: "10240",
          leader: etcd.leader?.name ?? "0",
        })),
      alarm: (_request, options) => call("read", options, () => ({ header: header(), alarms: [] })),
      defragment: (options) => call("read", options, () => ({ header: header() })),
    },
    close: () => {},
  };
}

/** There and back; rejects at the deadline, whatever becomes of the call then. */
function callMember(
  { world, network, etcd, client, member }: EtcdLink,
  call: { readonly kind: "read" | "write"; readonly options: CallOptions | undefined; readonly run: () => unknown },
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const { deadline } = call.options ?? {};
  const leftMs = typeof deadline === "number" ? Math.max(0, deadline - client.clock.nowMs()) : deadlineMsMax;
  const timer = client.later(leftMs, () => reject(deadlineExceeded()));
  network.send(client, member, () =>
    etcd.propose(member, call.kind, {
      run: call.run,
      reply: (reply) => {
        if (call.kind === "write" && world.chance(etcd.answerLossShare)) {
          world.fired("etcd-answer-lost");
          // Half of them are lost with their connection, which is noticed.
          if (world.chance(0.5)) client.later(1, () => reject(unavailable("connection reset")));
          return;
        }
        network.send(member, client, () => {
          timer.cancel();
          if (reply.kind === "done") resolve(reply.value);
          else reject(reply.error);
        });
      },
    }),
  );
  return promise;
}

function isReading(request: TxnRequest): boolean {
  return [...(request.success ?? []), ...(request.failure ?? [])].every((op) => op.request_range !== undefined);
}

/** The stream of one heartbeat: the log opens one for each. */
function keepAliveStream(link: EtcdLink, options: CallOptions | undefined): object {
  const listeners = new Map<string, (argument: unknown) => void>();
  const on = (event: string, listener: (argument: unknown) => void): void => void listeners.set(event, listener);
  return {
    on,
    once: on,
    write: ({ ID: id }: { ID: string }) => {
      const run = (): unknown => ({ ID: id, TTL: String(link.etcd.keepLease(id)) });
      callMember(link, { kind: "write", options, run }).then(
        (answer) => listeners.get("data")?.(answer),
        (failure: unknown) => listeners.get("error")?.(failure instanceof EtcdError ? failure : deadlineExceeded()),
      );
      return true;
    },
    end: () => {},
    cancel: () => {},
  };
}
