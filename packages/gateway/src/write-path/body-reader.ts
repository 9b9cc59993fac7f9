import { assert, KIB, SECOND_MS, type Clock } from "@kakera/kernel";
import type { BodySource } from "../bodies.ts";
import type { Holder } from "../memory-budget.ts";
import type { BodyHasher } from "./body-hasher.ts";

/** A client that was waited for so long, and brought less, is taken for stalled when others need the memory. */
const stalledMs = 10 * SECOND_MS;
const stalledBytesMax = 160 * KIB;

/** Pulls a body out of its source and copies it, once, to where it is to lie. */
export class BodyReader implements Holder {
  readonly #source: BodySource;
  readonly #hasher: BodyHasher;
  readonly #signal: AbortSignal;
  readonly #clock: Clock;
  /** What the source brought, and what it was waited for, up to the pull under way. */
  #pulledBytes = 0;
  #waitedMs = 0;
  #pullingSinceMs: number | null = null;
  /** Both as they were when the source had last brought enough. */
  #mark: { readonly pulledBytes: number; readonly waitedMs: number } | null = null;
  #slice: Buffer | null = null;
  #sliceAt = 0;
  #isEnded = false;
  #takenBytes = 0;
  #digest: Promise<Buffer | null> | null = null;
  /** Bytes that were given back, to be filled in again: hashed already. */
  #again: Buffer | null = null;

  constructor(
    source: BodySource,
    parts: { readonly hasher: BodyHasher; readonly signal: AbortSignal; readonly clock: Clock },
  ) {
    this.#source = source;
    this.#clock = parts.clock;
    this.#hasher = parts.hasher;
    this.#signal = parts.signal;
  }

  /** Bytes of the body that were filled in so far. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  /**
   * Fills `target` from its start; resolves to the bytes filled, fewer only at the end of the body. `pin` is called with
   * what must settle before these bytes may change. Rejects with what the source throws, or with the signal's reason.
   */
  async fill(target: Buffer, pin: (settled: Promise<void>) => void): Promise<number> {
    const refilledBytes = this.#refill(target);
    let filledBytes = refilledBytes;
    while (filledBytes < target.byteLength && (this.#slice !== null || (await this.hasMore()))) {
      const slice = this.#slice as Buffer;
      const copied = slice.copy(target, filledBytes, this.#sliceAt);
      filledBytes += copied;
      this.#sliceAt += copied;
      if (this.#sliceAt === slice.byteLength) this.#slice = null;
    }
    this.#takenBytes += filledBytes;
    if (filledBytes > refilledBytes) {
      const hashing = this.#hasher.update(target.subarray(refilledBytes, filledBytes));
      if (hashing !== null) pin(hashing);
    }
    return filledBytes;
  }

  /** What was pinned for hashing is waited for. */
  hastenHashing(): void {
    this.#hasher.hasten();
  }

  /** The bytes filled last come again, first of all. They stay as they are until they have. */
  giveBack(bytes: Buffer): void {
    assert(this.#again === null, "bytes are given back once");
    this.#again = bytes;
    this.#takenBytes -= bytes.byteLength;
  }

  /** Whether there is another byte; waits for it. */
  async hasMore(): Promise<boolean> {
    if (this.#again !== null) return true;
    while (this.#slice === null && !this.#isEnded) {
      this.#signal.throwIfAborted();
      const sinceMs = this.#clock.monotonicMs();
      this.#pullingSinceMs = sinceMs;
      const slice = await this.#source.pull();
      this.#pullingSinceMs = null;
      this.#waitedMs += this.#clock.monotonicMs() - sinceMs;
      this.#pulledBytes += slice?.byteLength ?? 0;
      if (slice === null) this.#isEnded = true;
      else if (slice.byteLength > 0) {
        this.#slice = slice;
        this.#sliceAt = 0;
      }
    }
    return this.#slice !== null;
  }

  /** Waits for the source's end, where it checks its digests: only then is the body known to be right. */
  async finish(): Promise<void> {
    assert(!(await this.hasMore()), "a source brings no more bytes than it announced");
    // Begun now, so that it is done while the drives write.
    this.#digest ??= this.#hasher.digest();
  }

  /** The MD5 of the finished body; null: none is kept. */
  digest(): Promise<Buffer | null> {
    assert(this.#digest !== null, "a body is finished before its digest is asked for");
    return this.#digest;
  }

  isStalled(): boolean {
    if (this.#source.giveUp === undefined) return false;
    const sinceMs = this.#pullingSinceMs;
    const waitedMs = this.#waitedMs + (sinceMs === null ? 0 : this.#clock.monotonicMs() - sinceMs);
    if (this.#mark === null || this.#pulledBytes - this.#mark.pulledBytes >= stalledBytesMax) {
      this.#mark = { pulledBytes: this.#pulledBytes, waitedMs };
    }
    return sinceMs !== null && waitedMs - this.#mark.waitedMs >= stalledMs;
  }

  giveUp(): void {
    this.#source.giveUp?.();
  }

  #refill(target: Buffer): number {
    if (this.#again === null) return 0;
    const copied = this.#again.copy(target);
    this.#again = copied === this.#again.byteLength ? null : this.#again.subarray(copied);
    return copied;
  }
}
