import { MIB, SECOND_MS, sleep, type Clock, type Logger } from "@kakera/kernel";
import { RefusedForGood, type LineTarget } from "./line-target.ts";

export interface LineQueueParts {
  readonly target: LineTarget;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counted: (count: number, outcome: "sent" | "dropped") => void;
}

export interface LineQueueSettings {
  readonly linesMax: number;
  readonly bytesMax: number;
  readonly batchLinesMax: number;
  readonly retryMs: { readonly least: number; readonly most: number };
  /** At the end, what is queued may take so long. */
  readonly closeMsMax: number;
}

export const lineQueueSettings: LineQueueSettings = {
  linesMax: 10_000,
  bytesMax: 16 * MIB,
  batchLinesMax: 100,
  retryMs: { least: SECOND_MS / 10, most: 10 * SECOND_MS },
  closeMsMax: 3 * SECOND_MS,
};

/**
 * Lines on their way to one target: whoever adds one never waits. While the target does not take them they are kept, up to a bound; what comes
 * then is dropped, and counted. A line may arrive twice when the target took it and could not say so.
 */
export class LineQueue {
  readonly #parts: LineQueueParts;
  readonly #settings: LineQueueSettings;
  readonly #ended = new AbortController();
  #lines: string[] = [];
  #bytes = 0;
  #sending: Promise<void> | null = null;
  #isFailing = false;

  constructor(parts: LineQueueParts, settings: LineQueueSettings = lineQueueSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  add(line: string): void {
    const { linesMax, bytesMax } = this.#settings;
    if (this.#lines.length >= linesMax || this.#bytes + line.length > bytesMax) return this.#dropped(1);
    this.#lines.push(line);
    this.#bytes += line.length;
    this.#sending ??= this.#sendAll();
  }

  reopen(): void {
    this.#parts.target.reopen();
  }

  /** Sends what is queued, for a while; what is left then is dropped. */
  async close(): Promise<void> {
    const { clock } = this.#parts;
    const timer = clock.setTimer(this.#settings.closeMsMax, () => this.#ended.abort());
    await this.#sending;
    timer.cancel();
    this.#dropped(this.#lines.length);
    await this.#parts.target.close();
  }

  async #sendAll(): Promise<void> {
    const { target, clock, counted } = this.#parts;
    const { batchLinesMax, retryMs } = this.#settings;
    const { signal } = this.#ended;
    let waitMs = retryMs.least;
    // The lines of a turn travel together.
    await Promise.resolve();
    while (this.#lines.length > 0 && !signal.aborted) {
      const batch = this.#lines.slice(0, batchLinesMax);
      try {
        await target.send(batch);
        this.#take(batch);
        counted(batch.length, "sent");
        this.#told("works");
        waitMs = retryMs.least;
      } catch (failure) {
        this.#told("fails", failure);
        if (failure instanceof RefusedForGood) {
          this.#take(batch);
          this.#dropped(batch.length);
        }
        await sleep(clock, waitMs, signal).catch(() => undefined);
        waitMs = Math.min(waitMs * 2, retryMs.most);
      }
    }
    this.#sending = null;
  }

  #take(batch: readonly string[]): void {
    this.#lines.splice(0, batch.length);
    for (const line of batch) this.#bytes -= line.length;
  }

  #dropped(count: number): void {
    if (count > 0) this.#parts.counted(count, "dropped");
  }

  /** Once when it begins to fail, and once when it works again. */
  #told(how: "works" | "fails", failure?: unknown): void {
    const { logger, target } = this.#parts;
    if (this.#isFailing === (how === "fails")) return;
    this.#isFailing = how === "fails";
    if (how === "fails") logger.log("error", "delivery.not-sent", { target: target.name, cause: failure });
    else logger.log("info", "delivery.sent-again", { target: target.name });
  }
}
