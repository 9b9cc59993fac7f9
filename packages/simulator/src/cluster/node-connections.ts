import { ConnectionLost, type ByteSink, type NodeConnection, type NodeServer } from "@kakera/rpc";
import type { Machine } from "../world/machine.ts";
import type { Network } from "../world/network.ts";

/** A process that answers shard calls, as long as it lives. */
export interface ServingProcess {
  readonly machine: Machine;
  readonly server: NodeServer;
}

const connectDeadlineMs = 2_000;

/** Connections from one process to whatever process serves a node then; null: nobody listens there. */
export function connectOver(
  network: Network,
  client: Machine,
  serving: () => ServingProcess | null,
): () => Promise<NodeConnection> {
  return () =>
    new Promise((resolve, reject) => {
      const timer = client.later(connectDeadlineMs, () => reject(new ConnectionLost("no answer to a connection")));
      const node = serving();
      if (node === null || node.machine.isDead) {
        timer.cancel();
        client.later(0.5, () => reject(new ConnectionLost("connection refused")));
        return;
      }
      network.send(client, node.machine, () => {
        network.send(node.machine, client, () => {
          timer.cancel();
          resolve(new SimulatedConnection(network, client, node));
        });
      });
    });
}

/** One exchange at a time, as over a socket; what is lost on the way leaves it silent. */
class SimulatedConnection implements NodeConnection {
  readonly closed: Promise<void>;
  readonly #network: Network;
  readonly #client: Machine;
  readonly #node: ServingProcess;
  readonly #gone = new AbortController();
  readonly #close: () => void;
  #isOpen = true;
  #exchangeCount = 0;
  #reject: ((failure: Error) => void) | null = null;

  constructor(network: Network, client: Machine, node: ServingProcess) {
    this.#network = network;
    this.#client = client;
    this.#node = node;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#close = resolve;
  }

  get isUsable(): boolean {
    return this.#isOpen && this.#reject === null;
  }

  get isReused(): boolean {
    return this.#exchangeCount > 1;
  }

  exchange(path: string, pieces: readonly Uint8Array[], sink: ByteSink): Promise<number> {
    this.#exchangeCount++;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#reject = reject;
    const bytes = Buffer.concat(pieces);
    const { machine, server } = this.#node;
    if (machine.isDead) {
      this.#client.later(0.5, () => this.destroy());
      return promise;
    }
    const answer = (status: number, body: Buffer): void => {
      if (!this.#isOpen) return;
      try {
        if (status === 200) sink.push(body);
        this.#reject = null;
        resolve(status);
      } catch (failure) {
        this.destroy();
        reject(failure as Error);
      }
    };
    this.#network.send(this.#client, machine, () => {
      void server.answer({ path, bytes, connection: this, signal: this.#gone.signal }).then(({ status, body }) => {
        this.#network.send(machine, this.#client, () => answer(status, body));
      });
    });
    // The machine tells who waits that its process is gone.
    this.#watchDeath();
    return promise;
  }

  destroy(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#close();
    this.#reject?.(new ConnectionLost("the connection ended in an exchange"));
    this.#reject = null;
    const { machine, server } = this.#node;
    this.#network.send(this.#client, machine, () => {
      this.#gone.abort(new ConnectionLost("the caller went away"));
      server.connectionClosed(this);
    });
  }

  #watchDeath(): void {
    const exchange = this.#exchangeCount;
    this.#client.later(deathLookMs, () => {
      if (!this.#isOpen || this.#reject === null || this.#exchangeCount !== exchange) return;
      if (this.#node.machine.isDead) this.destroy();
      else this.#watchDeath();
    });
  }
}

const deathLookMs = 100;
