import type { Clock, DriveId } from "@kakera/kernel";
import type { ReadLatency } from "./read-latency.ts";
import type { ReadSettings } from "./read-settings.ts";

/** One read of a drive that is under way. */
export interface PacedRead {
  readonly driveId: DriveId;
  readonly sizeBytes: number;
  readonly startedAtMs: number;
}

interface DrivePast {
  readonly underWay: Set<PacedRead>;
  /** Reads in a row that took far longer than they should. */
  slowInARow: number;
  /** When it is asked again, if it is slow. */
  probeAtMs: number;
}

/**
 * Which drives answer this gateway far later than drives do. Racing them one read after the other would spend the share of
 * extra reads within a second, and everybody would wait from then on; once known they are asked last, which costs no extra read. From
 * time to time one read goes to them all the same, so that a drive that is well again is found.
 *
 * Only what this process has seen: a drive that is slow for others too is declared by those who watch it.
 */
export class DrivePace {
  readonly #clock: Clock;
  readonly #settings: ReadSettings;
  readonly #latency: ReadLatency;
  readonly #drives = new Map<DriveId, DrivePast>();

  constructor(parts: { readonly clock: Clock; readonly settings: ReadSettings; readonly latency: ReadLatency }) {
    this.#clock = parts.clock;
    this.#settings = parts.settings;
    this.#latency = parts.latency;
  }

  begin(driveId: DriveId, sizeBytes: number): PacedRead {
    const read = { driveId, sizeBytes, startedAtMs: this.#clock.monotonicMs() };
    let past = this.#drives.get(driveId);
    if (past === undefined) {
      past = { underWay: new Set(), slowInARow: 0, probeAtMs: 0 };
      this.#drives.set(driveId, past);
    }
    past.underWay.add(read);
    return read;
  }

  /** It has settled. What a slow drive took says nothing of how long reads usually take. */
  end(read: PacedRead): void {
    const past = this.#drives.get(read.driveId) as DrivePast;
    const isSlow = this.isSlow(read.driveId);
    past.underWay.delete(read);
    if (this.#isLate(read)) past.slowInARow++;
    else past.slowInARow = 0;
    if (!isSlow) this.#latency.record(read.sizeBytes, this.#clock.monotonicMs() - read.startedAtMs);
  }

  isSlow(driveId: DriveId): boolean {
    const past = this.#drives.get(driveId);
    if (past === undefined) return false;
    const { slowReadsMax, slowReadMsMin } = this.#settings;
    let slow = past.slowInARow;
    const lateFromMs = this.#clock.monotonicMs() - slowReadMsMin;
    for (const read of past.underWay) {
      // In the order of their beginnings: none of a healthy drive's many is looked at.
      if (slow >= slowReadsMax || read.startedAtMs > lateFromMs) break;
      if (this.#isLate(read)) slow++;
    }
    return slow >= slowReadsMax;
  }

  /** Whether a slow drive is to be asked now, for once. */
  takeProbe(driveId: DriveId): boolean {
    const past = this.#drives.get(driveId);
    const nowMs = this.#clock.monotonicMs();
    if (past === undefined || nowMs < past.probeAtMs || !this.isSlow(driveId)) return false;
    past.probeAtMs = nowMs + this.#settings.slowDriveProbeMs;
    return true;
  }

  #isLate({ sizeBytes, startedAtMs }: PacedRead): boolean {
    const usualMs = this.#latency.p95Ms(sizeBytes) ?? this.#settings.hedgeDelayMsFirst;
    const lateMs = Math.max(this.#settings.slowReadMsMin, usualMs * lateFactor);
    return this.#clock.monotonicMs() - startedAtMs >= lateMs;
  }
}

/** A drive that is so many times slower than 19 of 20 reads is not merely busy. */
const lateFactor = 4;
