import type { Server } from "node:http";
import { sleep, type Clock } from "@kakera/kernel";

/** Counts what is being served, and lets a process leave without dropping any of it. */
export class InFlight {
  count = 0;
  isDraining = false;
  readonly #servers = new Set<Server>();
  #idle: (() => void) | null = null;

  add(server: Server): void {
    this.#servers.add(server);
  }

  begin(): void {
    this.count++;
  }

  end(): void {
    this.count--;
    if (this.count === 0) this.#idle?.();
  }

  /**
   * Answers what is in flight (each answer now ends its connection), at most for `timeoutMs`; then no connection is left and no new
   * one is taken. Resolves to the number of requests that were cut off.
   */
  async drain(clock: Clock, timeoutMs: number): Promise<number> {
    this.isDraining = true;
    for (const server of this.#servers) server.closeIdleConnections();
    if (this.count > 0) {
      const cancel = new AbortController();
      const idle = new Promise<void>((resolve) => (this.#idle = resolve));
      await Promise.race([idle, sleep(clock, timeoutMs, cancel.signal).catch(() => {})]);
      cancel.abort();
    }
    const cutOff = this.count;
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
    return cutOff;
  }
}
