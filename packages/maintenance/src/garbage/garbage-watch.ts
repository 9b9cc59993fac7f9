import type { Clock } from "@kakera/kernel";
import type { Watermarks } from "../ports/watermarks.ts";

export interface GarbageRule {
  /** So long after it was first seen garbage may still be read by who looked up its record just before it was dropped. */
  readonly graceMs: number;
}

/**
 * Since when garbage rows are known, and whether they may be deleted: every read that began before the row was seen has
 * ended, and the grace is over by this process' monotonic clock. Both, once true, are true for ever (correctness.md F7).
 */
export class GarbageWatch {
  readonly #clock: Clock;
  readonly #reads: Watermarks;
  readonly #rule: GarbageRule;
  #seen = new Map<string, { readonly mark: number; readonly seenMs: number }>();

  constructor(parts: { readonly clock: Clock; readonly reads: Watermarks }, rule: GarbageRule) {
    this.#clock = parts.clock;
    this.#reads = parts.reads;
    this.#rule = rule;
  }

  /** Of the rows that exist now (by id), those that are ripe. Rows that vanished are forgotten. */
  ripe(ids: readonly string[]): string[] {
    const seen = new Map<string, { readonly mark: number; readonly seenMs: number }>();
    const news = ids.filter((id) => !this.#seen.has(id));
    const mark = news.length === 0 ? 0 : this.#reads.set();
    const nowMs = this.#clock.monotonicMs();
    for (const id of ids) seen.set(id, this.#seen.get(id) ?? { mark, seenMs: nowMs });
    this.#seen = seen;
    return ids.filter((id) => {
      const { mark: itsMark, seenMs } = seen.get(id) as { mark: number; seenMs: number };
      return nowMs - seenMs >= this.#rule.graceMs && this.#reads.isPassed(itsMark);
    });
  }
}
