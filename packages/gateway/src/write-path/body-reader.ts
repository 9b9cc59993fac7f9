import { assert } from "@kakera/kernel";
import type { BodySource } from "../bodies.ts";
import type { BodyHasher } from "./body-hasher.ts";

/** Pulls a body out of its source and copies it, once, to where it is to lie. */
export class BodyReader {
  readonly #source: BodySource;
  readonly #hasher: BodyHasher;
  readonly #signal: AbortSignal;
  #slice: Buffer | null = null;
  #sliceAt = 0;
  #isEnded = false;
  #takenBytes = 0;
  #digest: Promise<Buffer | null> | null = null;
  /** Bytes that were given back, to be filled in again: hashed already. */
  #again: Buffer | null = null;

  constructor(source: BodySource, parts: { readonly hasher: BodyHasher; readonly signal: AbortSignal }) {
    this.#source = source;
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
      const slice = await this.#source.pull();
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

  #refill(target: Buffer): number {
    if (this.#again === null) return 0;
    const copied = this.#again.copy(target);
    this.#again = copied === this.#again.byteLength ? null : this.#again.subarray(copied);
    return copied;
  }
}
