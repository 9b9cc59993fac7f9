import type { IKeyValue, IRangeResponse } from "etcd3";
import { ClusterFailure, sleep, type Clock, type Logger, type NodeId, type Random } from "@kakera/kernel";
import { LateSessionKeeper } from "./late-session-keeper.ts";
import { EtcdKeys } from "./etcd-keys.ts";
import { EtcdMembers, type EtcdAccess } from "./etcd-members.ts";
import { EtcdSession } from "./etcd-session.ts";
import { etcdSettingsDefault, type EtcdSettings } from "./etcd-settings.ts";
import { fateOf } from "./etcd-failure.ts";
import { decodeNode, encodeNode, type NodeRecord } from "./node-record.ts";
import { WatchOver, WatchStream } from "./watch-stream.ts";

interface RegistryComponents {
  readonly access: EtcdAccess;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** The nodes of a cluster that live, as etcd knows them by their leases. */
export interface NodeRegistry {
  /** While etcd is out of reach: as it was. */
  readonly nodes: ReadonlyMap<NodeId, NodeRecord>;
  /** What this node says of itself from now on; told as soon as etcd takes it. */
  announce(record: NodeRecord): void;
  /** Reads `nodes` anew, as etcd has them after the call. Rejects with `retry` when it does not answer by then. */
  readAll(deadlineMs: number): Promise<void>;
  /** Called after every change of `nodes`. */
  onChange(listener: () => void): void;
  /** Takes the own record away, where etcd can be reached. */
  close(): Promise<void>;
}

/** Resolves when the nodes that live were read. Rejects with `retry` when etcd does not answer in time. */
export async function openNodeRegistry(
  components: RegistryComponents,
  settings: Pick<EtcdSettings, "prefix"> & Partial<EtcdSettings>,
): Promise<NodeRegistry> {
  const whole = { ...etcdSettingsDefault, ...settings };
  const { clock, access } = components;
  const members = await EtcdMembers.open(access, { clock, memberDeadlineMs: whole.memberDeadlineMs });
  const registry = new RunningRegistry({ ...components, members, settings: whole, keys: new EtcdKeys(whole.prefix) });
  try {
    await registry.start(clock.monotonicMs() + whole.openDeadlineMs);
    return registry;
  } catch (failure) {
    await registry.close();
    throw failure;
  }
}

interface RegistryParts extends RegistryComponents {
  readonly members: EtcdMembers;
  readonly settings: EtcdSettings;
  readonly keys: EtcdKeys;
}

class RunningRegistry implements NodeRegistry {
  readonly nodes = new Map<NodeId, NodeRecord>();
  readonly #parts: RegistryParts;
  readonly #listeners: (() => void)[] = [];
  readonly #closing = new AbortController();
  readonly #lease: LateSessionKeeper;
  #stream: WatchStream | null = null;
  #own: NodeRecord | null = null;
  /** Under which session which record was told. */
  #told: { readonly session: EtcdSession; readonly record: NodeRecord } | null = null;
  #running: Promise<unknown> = Promise.resolve();
  /** Of the last change that `nodes` shows. */
  #toldRevision = 0n;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
    this.#lease = new LateSessionKeeper(parts, { folder: "presence", ttlSeconds: parts.settings.nodeTtlSeconds });
  }

  async start(deadlineMs: number): Promise<void> {
    const revision = this.#take(await this.#read(deadlineMs));
    this.#running = this.#follow(revision);
  }

  announce(record: NodeRecord): void {
    const isFirst = this.#own === null;
    this.#own = record;
    if (isFirst) this.#running = Promise.all([this.#running, this.#tellAlways()]);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#stream?.end();
    await this.#running;
    // With the lease goes the record.
    await this.#lease.close();
    this.#parts.members.close();
  }

  async readAll(deadlineMs: number): Promise<void> {
    const read = await this.#read(deadlineMs);
    // The watch may have told more while the answer was on its way: what it said is not taken back.
    if (BigInt(read.header.revision) >= this.#toldRevision) this.#take(read);
  }

  #read(deadlineMs: number): Promise<IRangeResponse> {
    const { members, keys } = this.#parts;
    const { from, to } = keys.nodes;
    return members.insist("read the nodes", deadlineMs, (client, options) =>
      client.kv.range({ key: from, range_end: to, limit: nodesMax }, options),
    );
  }

  /** Returns the revision from which a watch goes on. */
  #take({ kvs, header }: IRangeResponse): string {
    this.nodes.clear();
    for (const kv of kvs) this.#note(kv);
    this.#toldRevision = BigInt(header.revision);
    this.#changed();
    return header.revision;
  }

  /** From the revision that was read on; read again whenever the watch ends. */
  async #follow(readAt: string): Promise<void> {
    const { keys, members, clock, logger, settings } = this.#parts;
    let revision = readAt;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const member = members.preferred;
      const stream = new WatchStream();
      this.#stream = stream;
      try {
        const { from, to } = keys.nodes;
        await stream.run(member, { from, to, startRevision: Number(revision) + 1 }, ({ events }) => {
          for (const { type, kv } of events) {
            if (type === "Put") this.#note(kv);
            else this.nodes.delete(this.#nodeOf(kv));
            this.#toldRevision = BigInt(kv.mod_revision);
          }
          if (events.length > 0) this.#changed();
        });
      } catch (failure) {
        if (signal.aborted) return;
        if (!(failure instanceof WatchOver)) throw failure;
        members.avoid(member);
        logger.log("info", "nodes.watch-over", { cause: failure });
      }
      while (!signal.aborted) {
        await sleep(clock, pauseMs, signal).catch(() => undefined);
        try {
          revision = this.#take(await this.#read(clock.monotonicMs() + settings.memberDeadlineMs));
          break;
        } catch (failure) {
          if (!(failure instanceof ClusterFailure)) throw failure;
        }
      }
    }
  }

  async #tellAlways(): Promise<void> {
    const { clock, logger } = this.#parts;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#tell();
      } catch (failure) {
        if (!(failure instanceof ClusterFailure) && fateOf(failure) === "form") throw failure;
        logger.log("warn", "node.not-announced", { cause: failure });
      }
      await sleep(clock, pauseMs, signal).catch(() => undefined);
    }
  }

  async #tell(): Promise<void> {
    const { members, keys, clock, settings } = this.#parts;
    const record = this.#own as NodeRecord;
    const session = await this.#lease.ensure(clock.monotonicMs() + settings.openDeadlineMs);
    if (this.#told?.session === session && this.#told.record === record) return;
    const put = { key: keys.node(record.nodeId), value: encodeNode(record), lease: session.leaseId };
    const answer = await members.once((client, options) =>
      client.kv.txn({ compare: [session.exists], success: [{ request_put: put }], failure: [] }, options),
    );
    if (!answer.succeeded) return session.lose();
    this.#told = { session, record };
  }

  #note({ key, value }: IKeyValue): void {
    const record = decodeNode(value);
    if (record === null) this.#parts.logger.log("warn", "node.unknown-record", { key: key.toString() });
    else this.nodes.set(record.nodeId, record);
  }

  #nodeOf({ key }: IKeyValue): NodeId {
    return key.toString().slice(`${this.#parts.keys.prefix}node/`.length) as NodeId;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

const pauseMs = 200;
/** Nobody has more, and what a shared etcd answers is bounded. */
const nodesMax = 10_000;
