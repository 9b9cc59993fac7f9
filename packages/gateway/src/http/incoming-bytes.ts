import type { IncomingMessage } from "node:http";
import { KIB, MINUTE_MS, SECOND_MS, type Clock, type Timer } from "@kakera/kernel";

/** The client went away, or the connection broke, before its body was complete: nobody is left to answer. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";
}

/** A body that comes slower than `bytesPerSecondMin` over the whole of what was waited for it, or stops for `silenceMsMax`. */
export class BodyTooSlow extends Error {
  override readonly name = "BodyTooSlow";
}

export interface BodyRateRule {
  readonly bytesPerSecondMin: number;
  /** Waiting that is never counted: slow starts, a client that computes its next part. */
  readonly graceMs: number;
  readonly silenceMsMax: number;
}

/**
 * node:http's own requestTimeout cuts a slow but living 5 GiB upload after 300 s; this rule replaces it. Only time spent
 * waiting for the client counts, never time in which we did not ask.
 */
export const bodyRateRule: BodyRateRule = {
  bytesPerSecondMin: 1 * KIB,
  graceMs: 30 * SECOND_MS,
  silenceMsMax: 1 * MINUTE_MS,
};

const queuedBytesMax = 256 * KIB;
const releasedBytesMin = 16 * KIB;

/**
 * The raw body of one request, pulled. Nothing is read (and nobody is told to continue) before the first pull; what is
 * read ahead is bounded by `queuedBytesMax` and one socket read, so that a slow drive slows the client down.
 */
export class IncomingBytes {
  receivedBytes = 0;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  /** What the last pull handed out. */
  #lent: Buffer | null = null;
  #waiter: { resolve: (bytes: Buffer | null) => void; reject: (failure: Error) => void } | null = null;
  #failure: Error | null = null;
  #isStarted = false;
  #isComplete = false;
  #isPaused = false;
  #waitedMs = 0;
  readonly #request: IncomingMessage;
  readonly #clock: Clock;
  readonly #rule: BodyRateRule;
  readonly #askToContinue: () => void;

  /** `askToContinue`: sends "100 Continue" if the client waits for it. */
  constructor(request: IncomingMessage, parts: { clock: Clock; rule: BodyRateRule; askToContinue: () => void }) {
    this.#request = request;
    this.#clock = parts.clock;
    this.#rule = parts.rule;
    this.#askToContinue = parts.askToContinue;
  }

  /** Every byte of the body was taken off the connection. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** The connection cannot be used for another request: what comes next on it is not known to be one. */
  get isBroken(): boolean {
    return this.#failure !== null;
  }

  /**
   * The next bytes as they came, until the next pull; null at the end. Rejects with {@link ClientGone}, {@link BodyTooSlow} or
   * what `fail` was given.
   */
  pull(): Promise<Buffer | null> {
    if (!this.#isStarted) this.#start();
    this.#release();
    const head = this.#queue.shift();
    if (head !== undefined) {
      this.#queuedBytes -= head.byteLength;
      this.#lent = head;
      this.#resumeIfRoom();
      return Promise.resolve(head);
    }
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#isComplete) return Promise.resolve(null);
    return this.#wait();
  }

  /** Ends the body with an error: the parser met something that is no body, or the connection was half closed too early. */
  fail(failure: Error): void {
    if (this.#failure !== null || this.#isComplete) return;
    this.#failure = failure;
    this.#waiter?.reject(failure);
  }

  /** Takes no more for the caller; what still comes is dropped as it arrives. */
  drop(): void {
    if (!this.#isComplete) this.fail(new ClientGone("nobody reads the body any more"));
    this.#isStarted = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#request.removeAllListeners("data");
    this.#request.once("end", () => (this.#isComplete = true));
    this.#request.on("error", () => {});
    this.#request.resume();
  }

  #start(): void {
    this.#isStarted = true;
    this.#askToContinue();
    const request = this.#request;
    request.on("data", (bytes: Buffer) => this.#take(bytes));
    request.once("end", () => {
      this.#isComplete = true;
      this.#waiter?.resolve(null);
    });
    const onGone = (): void => {
      // Also of every body that came whole: an error for each would cost more than the body.
      if (!this.#isComplete) this.fail(new ClientGone("the connection closed within the body"));
    };
    request.on("error", onGone);
    request.once("close", onGone);
    if (request.destroyed && !request.complete) onGone();
  }

  #take(bytes: Buffer): void {
    this.receivedBytes += bytes.byteLength;
    if (this.#waiter !== null) {
      this.#lent = bytes;
      return this.#waiter.resolve(bytes);
    }
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.byteLength;
    if (this.#queuedBytes >= queuedBytesMax && !this.#isPaused) {
      this.#isPaused = true;
      this.#request.pause();
    }
  }

  /**
   * Each read of a socket brings a buffer of its own. Left to the collector, those of big bodies make it go through the whole
   * heap every few megabytes; freed at once, the next read finds the same memory, still in the processor's cache.
   */
  #release(): void {
    const bytes = this.#lent;
    this.#lent = null;
    if (bytes === null || bytes.byteLength < releasedBytesMin || bytes.byteLength !== bytes.buffer.byteLength) return;
    if (bytes.buffer instanceof ArrayBuffer) bytes.buffer.transfer(0);
  }

  #resumeIfRoom(): void {
    if (!this.#isPaused || this.#queuedBytes >= queuedBytesMax / 2) return;
    this.#isPaused = false;
    this.#request.resume();
  }

  #wait(): Promise<Buffer | null> {
    const sinceMs = this.#clock.monotonicMs();
    let timer: Timer | null = null;
    const settled = (): void => {
      timer?.cancel();
      this.#waiter = null;
      this.#waitedMs += this.#clock.monotonicMs() - sinceMs;
    };
    return new Promise((resolve, reject) => {
      this.#waiter = {
        resolve: (bytes) => {
          settled();
          if (bytes !== null && this.#isTooSlow()) this.#failure = new BodyTooSlow("the body comes too slowly");
          resolve(bytes);
        },
        reject: (failure) => {
          settled();
          reject(failure);
        },
      };
      timer = this.#clock.setTimer(this.#rule.silenceMsMax, () =>
        this.fail(new BodyTooSlow("the body stopped coming")),
      );
    });
  }

  #isTooSlow(): boolean {
    const countedMs = this.#waitedMs - this.#rule.graceMs;
    return countedMs > 0 && this.receivedBytes < (countedMs / SECOND_MS) * this.#rule.bytesPerSecondMin;
  }
}
