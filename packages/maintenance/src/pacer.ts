import { SECOND_MS, sleep, type Clock } from "@kakera/kernel";

/** Keeps work below so many bytes a second, over the last second or so: clients come first. */
export class Pacer {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  #freeAtMs = 0;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Resolves when `bytes` may be worked on. Rejects with the signal's reason. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const startMs = Math.max(nowMs, this.#freeAtMs);
    this.#freeAtMs = startMs + (bytes / this.#bytesPerSecond) * SECOND_MS;
    if (startMs > nowMs) await sleep(this.#clock, startMs - nowMs, signal);
    else signal?.throwIfAborted();
  }
}
