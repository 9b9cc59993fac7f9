import type { Clock, Timer } from "@kakera/kernel";

export interface PeersSettings {
  /** A sender without a connection for so long is gone. */
  readonly graceMs: number;
  /** A sender that said nothing for so long is gone: its machine may have lost its power, and sockets do not tell. */
  readonly silentMsMax: number;
  /** What it held is given up. */
  readonly gone: (sender: string) => void;
}

interface Peer {
  readonly connections: Set<object>;
  heardAtMs: number;
  leaving: Timer | null;
}

/** Which processes are there, by the connections that their calls come on. */
export class Peers {
  readonly #clock: Clock;
  readonly #settings: PeersSettings;
  readonly #peers = new Map<string, Peer>();
  readonly #senderOf = new WeakMap<object, string>();

  constructor(clock: Clock, settings: PeersSettings) {
    this.#clock = clock;
    this.#settings = settings;
  }

  /** A call of the sender, which is proved to be its own, came on the connection. */
  heard(sender: string, connection: object): void {
    const peer = this.#peers.get(sender) ?? { connections: new Set(), heardAtMs: 0, leaving: null };
    this.#peers.set(sender, peer);
    peer.heardAtMs = this.#clock.monotonicMs();
    peer.leaving?.cancel();
    peer.leaving = null;
    peer.connections.add(connection);
    this.#senderOf.set(connection, sender);
  }

  closed(connection: object): void {
    const sender = this.#senderOf.get(connection);
    const peer = sender === undefined ? undefined : this.#peers.get(sender);
    if (sender === undefined || peer === undefined) return;
    peer.connections.delete(connection);
    if (peer.connections.size > 0) return;
    peer.leaving ??= this.#clock.setTimer(this.#settings.graceMs, () => this.#forget(sender));
  }

  /** Forgets the silent. */
  sweep(): void {
    const dueMs = this.#clock.monotonicMs() - this.#settings.silentMsMax;
    for (const [sender, { heardAtMs }] of this.#peers) if (heardAtMs <= dueMs) this.#forget(sender);
  }

  close(): void {
    for (const { leaving } of this.#peers.values()) leaving?.cancel();
    this.#peers.clear();
  }

  #forget(sender: string): void {
    this.#peers.get(sender)?.leaving?.cancel();
    this.#peers.delete(sender);
    this.#settings.gone(sender);
  }
}
