import type { Machine } from "../world/machine.ts";
import type { Channel, Network } from "../world/network.ts";
import type { World } from "../world/world.ts";
import { EtcdError, unavailable } from "./etcd-error.ts";
import type { KeyEvent, WatchMessage, WatchRequest } from "./etcd-messages.ts";
import { endOf, textOf } from "./key-text.ts";
import type { RevisionListener, SimulatedEtcd } from "./simulated-etcd.ts";

interface Parts {
  readonly world: World;
  readonly network: Network;
  readonly etcd: SimulatedEtcd;
  readonly client: Machine;
  readonly member: Machine;
  /** Is told of the revision of each message that brings events. */
  readonly onMessage: (revision: number) => void;
}

/** A connection on which nothing comes is noticed after so long (keepalives). */
const silenceMs = 8_000;
/** Events of one message: the others come in the next, which may begin within a revision. */
const eventsPerMessageMax = 6;

/** One watch stream, both ends of it: events in order, cut into messages anywhere, for as long as the connection lives. */
export class WatchDuplex implements RevisionListener {
  readonly #parts: Parts;
  readonly #down: Channel;
  readonly #listeners = new Map<string, (argument: never) => void>();
  #request: WatchRequest | null = null;
  #nextRevision = 0;
  #isOver = false;
  #isPumping = false;
  #isPaused = false;
  #kept: WatchMessage[] = [];
  #unlisten: () => void = () => {};

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#down = parts.network.channel(parts.member, parts.client);
  }

  on(event: "data" | "error" | "end" | "close", listener: (argument: never) => void): void {
    this.#listeners.set(event, listener);
  }

  write(message: { create_request?: { key?: Uint8Array; range_end?: Uint8Array; start_revision?: string } }): boolean {
    const { key, range_end: end, start_revision: start } = message.create_request ?? {};
    const request = { from: textOf(key), to: end === undefined ? null : endOf(end), startRevision: Number(start) };
    const { network, client, member } = this.#parts;
    if (network.send(client, member, () => this.#create(request)) === "lost") this.#goSilent();
    return true;
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#end();
    this.#parts.client.later(0, () => this.#fail(new EtcdError(1, "Cancelled on client")));
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (const message of this.#kept.splice(0)) this.#emit("data", message);
  }

  /** The connection is lost, and both ends know it. */
  cut(error: EtcdError = unavailable("connection reset")): "cut" | "was over" {
    if (this.#isOver) return "was over";
    this.#end();
    this.#parts.client.later(0.2, () => this.#fail(error));
    return "cut";
  }

  onRevision(): void {
    if (this.#isPumping || this.#isOver) return;
    this.#isPumping = true;
    // A member applies a little after the leader; now and then it is far behind.
    const { world, member } = this.#parts;
    const lagMs = world.chance(0.02) ? world.between(5, 400) : world.between(0.1, 1);
    member.later(lagMs, () => this.#pump());
  }

  onNoLeader(): void {
    const { world, member } = this.#parts;
    member.later(world.between(1, 50), () => void this.cut(unavailable("etcdserver: no leader")));
  }

  #create(request: WatchRequest): void {
    if (this.#isOver) return;
    const { etcd } = this.#parts;
    this.#request = request;
    this.#nextRevision = request.startRevision;
    this.#unlisten = etcd.listen(this);
    this.#send({ ...this.#empty(), created: true });
    this.onRevision();
  }

  #pump(): void {
    this.#isPumping = false;
    const { etcd } = this.#parts;
    const request = this.#request;
    if (this.#isOver || request === null) return;
    const compacted = etcd.store.compactedRevision;
    if (this.#nextRevision < compacted) {
      this.#send({ ...this.#empty(), canceled: true, compact_revision: String(compacted) });
      this.#unlisten();
      return;
    }
    let events: KeyEvent[] = [];
    const size = (): number => 1 + Math.floor(this.#parts.world.random.fraction() * eventsPerMessageMax);
    let most = size();
    for (const { revision, events: all } of etcd.store.since(this.#nextRevision)) {
      this.#nextRevision = revision + 1;
      for (const event of all) {
        const key = textOf(event.kv.key);
        if (key < request.from || (request.to !== null && key >= request.to)) continue;
        events.push(event);
        if (events.length < most) continue;
        this.#send({ ...this.#empty(), events });
        events = [];
        most = size();
      }
    }
    if (events.length > 0) this.#send({ ...this.#empty(), events });
  }

  #empty(): WatchMessage {
    const header = { revision: String(this.#parts.etcd.store.revision) };
    return { header, created: false, canceled: false, compact_revision: "0", cancel_reason: "", events: [] };
  }

  #send(message: WatchMessage): void {
    if (this.#isOver) return;
    const outcome = this.#down.send(() => {
      if (this.#isOver) return;
      const last = message.events.at(-1);
      if (last !== undefined) this.#parts.onMessage(Number(last.kv.mod_revision));
      if (this.#isPaused) this.#kept.push(message);
      else this.#emit("data", message);
    });
    if (outcome === "lost") this.#goSilent();
  }

  /** Nothing comes any more on this connection; the client does not know yet. */
  #goSilent(): void {
    if (this.#isOver) return;
    this.#end();
    this.#parts.client.later(silenceMs, () => this.#fail(unavailable("keepalive ping failed")));
  }

  #end(): void {
    this.#isOver = true;
    this.#unlisten();
  }

  #fail(error: Error): void {
    this.#emit("error", error);
  }

  #emit(event: string, argument: unknown): void {
    this.#listeners.get(event)?.(argument as never);
  }
}
