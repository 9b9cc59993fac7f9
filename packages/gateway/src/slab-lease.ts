import { assert } from "@kakera/kernel";
import type { SharedMemory, Slab } from "@kakera/erasure";
import { bufferReleased } from "@kakera/rpc";

/**
 * A share of the memory budget, handed out as slabs: of one request, or of a part of it (`split`). `end` gives back what no
 * I/O uses any more; a slab that a hung drive still reads or fills goes back, with its share, when that I/O has settled.
 */
export class SlabLease {
  readonly #memory: SharedMemory;
  readonly #giveBack: (bytes: number) => void;
  readonly #waiters = new Set<{ readonly bytes: number; readonly resolve: () => void }>();
  #unusedBytes: number;
  #isEnded = false;

  /** `bytes` are taken already; `giveBack` gets all of them again, piece by piece. */
  constructor(memory: SharedMemory, bytes: number, giveBack: (bytes: number) => void) {
    this.#memory = memory;
    this.#unusedBytes = bytes;
    this.#giveBack = giveBack;
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
    return new PinnedSlab(slab, () => this.#restore(sizeBytes));
  }

  /** A lease of its own for a part of this one. */
  split(bytes: number): SlabLease {
    assert(!this.#isEnded && bytes <= this.#unusedBytes, "a request stays within what it took");
    this.#unusedBytes -= bytes;
    return new SlabLease(this.#memory, bytes, (restored) => this.#restore(restored));
  }

  /** Resolves when so much is unused: I/O of this very request gave it back. Never, if it hangs for ever. */
  untilUnused(bytes: number): Promise<void> {
    if (this.#unusedBytes >= bytes) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.add({ bytes, resolve }));
  }

  /** Gives back what is unused, and has as much again when `take` has taken it. Rejects as that does: it has less then. */
  async handOver(take: (bytes: number) => Promise<void>): Promise<void> {
    const bytes = this.#unusedBytes;
    this.#unusedBytes = 0;
    this.#giveBack(bytes);
    await take(bytes);
    this.#restore(bytes);
  }

  /** After the request: every slab must have been retired. */
  end(): void {
    assert(!this.#isEnded, "a lease ends once");
    this.#isEnded = true;
    this.#giveBack(this.#unusedBytes);
    this.#unusedBytes = 0;
  }

  #restore(bytes: number): void {
    if (this.#isEnded) return this.#giveBack(bytes);
    this.#unusedBytes += bytes;
    for (const waiter of this.#waiters) {
      if (waiter.bytes > this.#unusedBytes) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
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
