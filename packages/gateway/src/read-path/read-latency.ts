/**
 * How long shard reads took lately, as a rolling 95th percentile for each size of read: what is later than that is
 * worth a race (reference: The Tail at Scale).
 */
export class ReadLatency {
  readonly #bySize = sizeClassesBytes.map(() => new RollingPercentile());

  record(sizeBytes: number, durationMs: number): void {
    this.#classOf(sizeBytes).record(durationMs);
  }

  /** null: too few reads were seen. */
  p95Ms(sizeBytes: number): number | null {
    return this.#classOf(sizeBytes).p95Ms;
  }

  #classOf(sizeBytes: number): RollingPercentile {
    const index = sizeClassesBytes.findIndex((bound) => sizeBytes <= bound);
    return this.#bySize[index] as RollingPercentile;
  }
}

const sizeClassesBytes = [64 * 1024, 256 * 1024, Infinity] as const;
const samplesKept = 256;
/** Sorting on each sample would cost more than the read. */
const samplesPerUpdate = 32;

class RollingPercentile {
  readonly #samples = new Float64Array(samplesKept);
  readonly #sorted = new Float64Array(samplesKept);
  #count = 0;
  p95Ms: number | null = null;

  record(durationMs: number): void {
    this.#samples[this.#count++ % samplesKept] = durationMs;
    if (this.#count % samplesPerUpdate !== 0) return;
    const kept = Math.min(this.#count, samplesKept);
    this.#sorted.set(this.#samples);
    const sorted = this.#sorted.subarray(0, kept).sort();
    this.p95Ms = sorted[Math.floor(kept * 0.95)] as number;
  }
}
