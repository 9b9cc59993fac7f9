import { CommandFailure } from "../command-failure.ts";
import type { ServerClient } from "../client/server-client.ts";
import { demoBucket } from "./demo-cluster.ts";

/** Objects that are written again and again. */
const objectCount = 20;
const bodyBytes = 100_000;

export interface PulseCount {
  readonly done: number;
  readonly failed: number;
  /** The last failure, in words; null: none. */
  readonly why: string | null;
}

/** Writes an object through one node and reads it back through another, as often as it is told: what a client would see. */
export class Pulse {
  #count: PulseCount = { done: 0, failed: 0, why: null };
  #turn = 0;

  get count(): PulseCount {
    return this.#count;
  }

  /** `clients`: of nodes that are ready, at least one. Never rejects for what a node answers. */
  async beat(clients: readonly ServerClient[]): Promise<void> {
    const turn = this.#turn++;
    const path = `/${demoBucket}/pulse-${turn % objectCount}`;
    const body = `${turn} `.repeat(bodyBytes).slice(0, bodyBytes);
    const { done, failed, why } = this.#count;
    const failure =
      (await this.#through(clients, turn, async (client) => {
        const { status } = await client.send("PUT", path, body);
        return status === 200 ? null : `PUT ${path} was answered with ${status}`;
      })) ??
      (await this.#through(clients, turn + 1, async (client) => {
        const { status, text } = await client.send("GET", path);
        if (status !== 200) return `GET ${path} was answered with ${status}`;
        return text === body ? null : `GET ${path} gave another body`;
      }));
    this.#count = failure === null ? { done: done + 1, failed, why } : { done, failed: failed + 1, why: failure };
  }

  /** As a client with the addresses of all: what one does not do, the next is asked for. */
  async #through(
    clients: readonly ServerClient[],
    turn: number,
    attempt: (client: ServerClient) => Promise<string | null>,
  ): Promise<string | null> {
    let failure: string | null = null;
    for (let i = 0; i < clients.length; i++) {
      try {
        failure = await attempt(clients[(turn + i) % clients.length] as ServerClient);
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error;
        failure = error.message;
      }
      if (failure === null) return null;
    }
    return failure;
  }
}
