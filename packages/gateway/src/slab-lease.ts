import { assert } from "@kakera/kernel";
import type { SharedMemory, Slab } from "@kakera/erasure";
import { bufferReleased } from "@kakera/rpc";
import type { MemoryBudget } from "./memory-budget.ts";

/**
 * One request's share of the memory budget, handed out as slabs. `end` gives back what no I/O uses any more; a slab that
 * a hung drive still reads or fills goes back, with its share, when that I/O has settled.
 */
export class SlabLease {
  readonly #memory: SharedMemory;
  readonly #budget: MemoryBudget;
  #unusedBytes: number;
  #isEnded = false;

  /** `bytes` were taken from `budget` by the caller. */
  constructor(parts: { readonly memory: SharedMemory; readonly budget: MemoryBudget }, bytes: number) {
    this.#memory = parts.memory;
    this.#budget = parts.budget;
    this.#unusedBytes = bytes;
  }

  /** What it may still hand out. */
  get unusedBytes(): number {
    return this.#unusedBytes;
  }

  /** A slab of at least `sizeBytes`, within the lease. Throws ClusterFailure `retry` when the memory lies in pieces. */
  acquire(sizeBytes: number): PinnedSlab {
    assert(!this.#isEnded && sizeBytes <= this.#unusedBytes, "a request stays within what it took");
    const slab = this.#memory.acquire(sizeBytes);
    this.#unusedBytes -= sizeBytes;
    return new PinnedSlab(slab, () => this.#takeBack(sizeBytes));
  }

  /** After the request: every slab must have been retired. */
  end(): void {
    assert(!this.#isEnded, "a lease ends once");
    this.#isEnded = true;
    this.#budget.give(this.#unusedBytes);
    this.#unusedBytes = 0;
  }

  #takeBack(sizeBytes: number): void {
    if (this.#isEnded) this.#budget.give(sizeBytes);
    else this.#unusedBytes += sizeBytes;
  }
}

/** A slab that is released when its user has retired it and every I/O that was pinned to it has settled. */
export class PinnedSlab {
  readonly bytes: Buffer;
  readonly offsetBytes: number;
  readonly #slab: Slab;
  readonly #onRelease: () => void;
  #pinCount = 0;
  #isRetired = false;

  constructor(slab: Slab, onRelease: () => void) {
    this.#slab = slab;
    this.#onRelease = onRelease;
    this.bytes = slab.bytes;
    this.offsetBytes = slab.offsetBytes;
  }

  get isPinned(): boolean {
    return this.#pinCount > 0;
  }

  /** Keeps the bytes as they are until `settled` settles, and longer if its failure says that I/O goes on. Returns it. */
  pin<T>(settled: Promise<T>): Promise<T> {
    assert(!this.#isRetired, "no I/O starts on a retired slab");
    this.#pinCount++;
    const unpin = (): void => {
      this.#pinCount--;
      this.#releaseIfDone();
    };
    settled.then(unpin, (failure: unknown) => {
      const released = bufferReleased(failure);
      if (released === null) unpin();
      else released.then(unpin, unpin);
    });
    return settled;
  }

  /** The user starts no more I/O on it. */
  retire(): void {
    assert(!this.#isRetired, "a slab is retired once");
    this.#isRetired = true;
    this.#releaseIfDone();
  }

  #releaseIfDone(): void {
    if (!this.#isRetired || this.#pinCount > 0) return;
    this.#slab.release();
    this.#onRelease();
  }
}
