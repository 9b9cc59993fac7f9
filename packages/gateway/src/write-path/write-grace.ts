import { type Clock, type DriveId } from "@kakera/kernel";

/** What the k-th sibling took, and what other drives took lately, so many times over is still no reason to blame a drive. */
const slackFactor = 2;
/** What a drive took counts half after so long. */
const halfLifeMs = 5_000;

/**
 * How long a shard may come after its siblings. Under load all drives are slow, each in its turn, and a drive that is no
 * slower than the others were lately is not to be blamed: a fixed grace would have every write blame those that it happens
 * to wait for. One slow drive does not stretch its own grace: it is compared with the others.
 */
export class WriteGrace {
  readonly #clock: Clock;
  readonly #bounds: { readonly minMs: number; readonly maxMs: number };
  readonly #peaks = new Map<DriveId, { readonly ms: number; readonly atMs: number }>();

  constructor(clock: Clock, bounds: { readonly minMs: number; readonly maxMs: number }) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  /** A drive took its shard, or a piece of it. */
  record(driveId: DriveId, tookMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    if (tookMs >= this.#peakMs(driveId, nowMs)) this.#peaks.set(driveId, { ms: tookMs, atMs: nowMs });
  }

  /** From the k-th sibling on, which took `siblingMs`. */
  graceMs(driveId: DriveId, siblingMs: number): number {
    const { minMs, maxMs } = this.#bounds;
    const usualMs = Math.max(siblingMs, this.#othersMs(driveId));
    return Math.min(Math.max(minMs, slackFactor * usualMs), Math.max(minMs, maxMs));
  }

  /** What the slower half of the other drives took at least. */
  #othersMs(driveId: DriveId): number {
    const nowMs = this.#clock.monotonicMs();
    const others: number[] = [];
    for (const other of this.#peaks.keys()) if (other !== driveId) others.push(this.#peakMs(other, nowMs));
    return others.sort((a, b) => a - b)[Math.floor((others.length - 1) / 2)] ?? 0;
  }

  #peakMs(driveId: DriveId, nowMs: number): number {
    const peak = this.#peaks.get(driveId);
    return peak === undefined ? 0 : peak.ms * 2 ** (-(nowMs - peak.atMs) / halfLifeMs);
  }
}
