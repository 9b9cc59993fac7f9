import { MINUTE_MS } from "@kakera/kernel";
import { readPlan } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { RewriteParts } from "./rewrite-object.ts";
import { measureOlderPools, rewritePools } from "./rewrite-pools.ts";

/** What could not be moved is tried again after so long. */
const retryMs = 10 * MINUTE_MS;

/** Brings everything into the newest pool, pass by pass, and knows how much is left. */
export class Rewriter {
  readonly #parts: RewriteParts;
  #remainingBytes: number | null = null;
  /** The pool that the last pass wrote to, and when it ended. */
  #last: { readonly pool: number | null; readonly endedMs: number } | null = null;

  constructor(parts: RewriteParts) {
    this.#parts = parts;
  }

  /** null: nothing was looked at yet. */
  get remainingBytes(): number | null {
    return this.#remainingBytes;
  }

  /** Nothing is left that could be moved now: a pass for the newest pool has ended, and found or left nothing. */
  get isDone(): boolean {
    return this.#remainingBytes === 0 && this.#last?.pool === this.#newestPool;
  }

  /** A pass, if one is due: for a pool that is new, or a while after the last. Rejects as `rewritePools` does. */
  async turn(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const plan = readPlan(log.view)?.record;
    const isAborted = plan?.state === records.PlanState.ABORTING || plan?.state === records.PlanState.ABORTED;
    if (plan?.rewrites === true && isAborted) return;
    const pool = this.#newestPool;
    const last = this.#last;
    if (last !== null && last.pool === pool && clock.monotonicMs() - last.endedMs < retryMs) return;
    this.#remainingBytes = await measureOlderPools(this.#parts);
    if (this.#remainingBytes > 0) {
      const moved = (bytes: number): void => {
        this.#remainingBytes = Math.max(0, (this.#remainingBytes ?? 0) - bytes);
      };
      await rewritePools(this.#parts, moved, signal);
    }
    this.#last = { pool, endedMs: clock.monotonicMs() };
  }

  get #newestPool(): number | null {
    return this.#parts.map.writePool()?.pool ?? null;
  }
}
