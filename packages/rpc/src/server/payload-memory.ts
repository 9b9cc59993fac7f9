import { createSharedMemory, type SharedMemory, type Slab } from "@kakera/erasure";
import { assert, ClusterFailure } from "@kakera/kernel";

/** Slabs are up to a quarter larger than what was asked for, and none is below 4 KiB. */
const slackShare = 1.25;

export interface PayloadLease {
  /** Exactly as long as was asked, at a multiple of 4 KiB: drives write straight from it. */
  readonly bytes: Buffer;
  /** Once, when no I/O uses the bytes any more. */
  release(): void;
}

export interface PayloadMemorySettings {
  /** Handed out at one time. */
  readonly sizeBytes: number;
  /** Takers that wait for room; more are refused. */
  readonly waitingMax: number;
}

interface Waiting {
  readonly sizeBytes: number;
  readonly resolve: (lease: PayloadLease) => void;
}

/**
 * The memory that calls under way may use. Who finds it in use waits in line, so that a sender's socket is what slows it down;
 * who finds the line full is refused. Nobody takes of it while holding some of it [F26].
 */
export class PayloadMemory {
  readonly #memory: SharedMemory;
  readonly #waitingMax: number;
  readonly #line = new Set<Waiting>();

  constructor({ sizeBytes, waitingMax }: PayloadMemorySettings) {
    this.#memory = createSharedMemory({ sizeBytes: sizeBytes * slackShare });
    this.#waitingMax = waitingMax;
  }

  get usedBytes(): number {
    return this.#memory.sizeBytes - this.#memory.freeBytes;
  }

  get waitingCount(): number {
    return this.#line.size;
  }

  /** null: there is no room, or others wait for it. */
  takeNow(sizeBytes: number): PayloadLease | null {
    return this.#line.size === 0 ? this.#lend(sizeBytes) : null;
  }

  /** Rejects with ClusterFailure `retry` when too many wait, and with the signal's reason when it is aborted first. */
  async take(sizeBytes: number, signal: AbortSignal): Promise<PayloadLease> {
    signal.throwIfAborted();
    const lease = this.takeNow(sizeBytes);
    if (lease !== null) return lease;
    if (this.#line.size >= this.#waitingMax) throw new ClusterFailure("retry", "the node has too many calls under way");
    return this.#wait(sizeBytes, signal);
  }

  #wait(sizeBytes: number, signal: AbortSignal): Promise<PayloadLease> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#line.delete(waiting);
        reject(signal.reason as Error);
        this.#serveLine();
      };
      const waiting: Waiting = {
        sizeBytes,
        resolve: (lease) => {
          signal.removeEventListener("abort", onAbort);
          resolve(lease);
        },
      };
      this.#line.add(waiting);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** In the order of their asking: a large taker is not passed by small ones for ever. */
  #serveLine(): void {
    for (const waiting of this.#line) {
      const lease = this.#lend(waiting.sizeBytes);
      if (lease === null) return;
      this.#line.delete(waiting);
      waiting.resolve(lease);
    }
  }

  #lend(sizeBytes: number): PayloadLease | null {
    const slab = this.#acquire(sizeBytes);
    if (slab === null) return null;
    let isReleased = false;
    return {
      bytes: slab.bytes.subarray(0, sizeBytes),
      release: () => {
        assert(!isReleased, "memory is given back once");
        isReleased = true;
        slab.release();
        this.#serveLine();
      },
    };
  }

  #acquire(sizeBytes: number): Slab | null {
    try {
      return this.#memory.acquire(sizeBytes);
    } catch (failure) {
      if (failure instanceof ClusterFailure) return null;
      throw failure;
    }
  }
}
