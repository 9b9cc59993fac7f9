import type { BodySink, BodySource } from "../bodies.ts";

/**
 * The two ends of a copy: what a fetch hands over is taken by a write, slice by slice, without a buffer between. A slice is the
 * fetch's again when the next one is asked for.
 */
export class BodyPipe implements BodySink, BodySource {
  readonly sizeBytes: number;
  #offered: {
    readonly bytes: Buffer;
    readonly taken: () => void;
    readonly refused: (failure: unknown) => void;
  } | null = null;
  #waiting: { readonly resolve: (bytes: Buffer | null) => void; readonly reject: (failure: unknown) => void } | null =
    null;
  #isDelivered = false;
  #isEnded = false;
  #failure: { readonly cause: unknown } | null = null;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  write(bytes: Buffer): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure.cause as Error);
    return new Promise((taken, refused) => {
      this.#offered = { bytes, taken, refused };
      this.#isDelivered = false;
      this.#deliver();
    });
  }

  pull(): Promise<Buffer | null> {
    if (this.#isDelivered) {
      const { taken } = this.#offered ?? {};
      this.#offered = null;
      this.#isDelivered = false;
      taken?.();
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#deliver();
    });
  }

  /** All bytes were written. */
  end(): void {
    this.#isEnded = true;
    this.#deliver();
  }

  /** Either end has failed: so does the other. */
  fail(cause: unknown): void {
    this.#failure ??= { cause };
    this.#offered?.refused(cause);
    this.#offered = null;
    this.#deliver();
  }

  #deliver(): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    if (this.#failure !== null) {
      this.#waiting = null;
      waiting.reject(this.#failure.cause);
    } else if (this.#offered !== null && !this.#isDelivered) {
      this.#waiting = null;
      this.#isDelivered = true;
      waiting.resolve(this.#offered.bytes);
    } else if (this.#isEnded) {
      this.#waiting = null;
      waiting.resolve(null);
    }
  }
}
