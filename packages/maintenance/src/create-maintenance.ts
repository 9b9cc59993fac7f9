import { MINUTE_MS, type Clock, type DriveId, type Logger, type Meter, type Random } from "@kakera/kernel";
import type { Codec, SharedMemory } from "@kakera/erasure";
import { readClusterMap, type CommitLog } from "@kakera/metadata";
import type { RepairQueue, ShardDrive } from "@kakera/rpc";
import { noCensus, publishCensus, type CensusReport } from "./census/census-report.ts";
import { takeCensus } from "./census/take-census.ts";
import { CatchUp, forgetBehind, isBehind } from "./drives/catch-up.ts";
import { StandingKeeper } from "./drives/keep-standings.ts";
import { collectGarbage } from "./garbage/collect-garbage.ts";
import { GarbageWatch } from "./garbage/garbage-watch.ts";
import { defaultMaintenanceSettings, type MaintenanceSettings } from "./maintenance-settings.ts";
import { createMaintenanceMetrics } from "./metrics.ts";
import { Pacer } from "./pacer.ts";
import { createMemoryPositions, type ScrubPositions } from "./ports/scrub-positions.ts";
import type { Sessions } from "./ports/sessions.ts";
import type { Watermarks } from "./ports/watermarks.ts";
import { RepairBacklog } from "./repair/repair-backlog.ts";
import type { RepairParts } from "./repair/repair-chunk.ts";
import { runRepairs, takeUpRows } from "./repair/run-repairs.ts";
import { runLoop } from "./run-loop.ts";
import { scrubDrive } from "./scrub/scrub-drive.ts";
import { dropOldAnswers, tidyUploads } from "./uploads/tidy-uploads.ts";

export interface MaintenanceComponents {
  readonly log: CommitLog;
  readonly drives: ReadonlyMap<DriveId, ShardDrive>;
  readonly codec: Codec;
  /** At least k+m+2 MiB of it must be free for a rebuild and a scrub at once; without, they wait. */
  readonly memory: SharedMemory;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly sessions: Sessions;
  readonly reads: Watermarks;
  readonly writes: Watermarks;
  /** Default: forgotten with the process. */
  readonly positions?: ScrubPositions;
  /** A failure that is not one of the cluster: a broken assumption. The process ends. */
  readonly onBug: (failure: unknown) => void;
}

export interface RepairReport {
  readonly waitingCount: number;
  readonly oldestWaitingMs: number | null;
  readonly isPaused: boolean;
}

/** The control loops of a cluster, wherever they are elected to run. */
export interface Maintenance {
  /** For readers, who find what is missing or damaged; takes findings from the start. */
  readonly repairQueue: RepairQueue;
  /** Again after `stop`, where its process leads again. */
  start(): void;
  /** Resolves when every loop has ended. */
  stop(): Promise<void>;
  census(): CensusReport;
  repair(): RepairReport;
  pauseRepair(): void;
  resumeRepair(): void;
  /** When the last scrub of every drive had ended (the oldest of them); null: some drive has had none. */
  scrubbedMs(): number | null;
  /** Damaged shards found since the start. */
  bitrotFoundCount(): number;
}

/** Groups that are behind are counted again after so long, though the backlog is never empty. */
const behindCountMsMax = 10 * MINUTE_MS;

export function createMaintenance(
  components: MaintenanceComponents,
  given: Partial<MaintenanceSettings> = {},
): Maintenance {
  const settings = { ...defaultMaintenanceSettings, ...given };
  return new MaintenanceLoops(components, settings);
}

class MaintenanceLoops implements Maintenance {
  readonly #settings: MaintenanceSettings;
  readonly #parts: RepairParts;
  readonly #onBug: (failure: unknown) => void;
  readonly #standings: StandingKeeper;
  readonly #catchUp = new CatchUp();
  readonly #garbage: GarbageWatch;
  readonly #scrubbed = new Map<DriveId, number>();
  #stop = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();
  #census: CensusReport = noCensus;
  #isRepairPaused = false;
  #damagedCount = 0;
  #nextRow: Uint8Array | null = null;
  #countedBehindMs = 0;

  constructor(components: MaintenanceComponents, settings: MaintenanceSettings) {
    const { clock, log, meter, reads, onBug } = components;
    this.#settings = settings;
    this.#onBug = onBug;
    const metrics = createMaintenanceMetrics(meter);
    const onDamage = (): void => {
      this.#damagedCount++;
      metrics.damagedShards.add();
    };
    const backlog = new RepairBacklog({ clock, onDamage }, { itemsMax: settings.repairItemsMax });
    const pacer = new Pacer(clock, settings.repairBytesPerSecondMax);
    this.#parts = {
      ...components,
      metrics,
      backlog,
      map: readClusterMap(log.view),
      positions: components.positions ?? createMemoryPositions(),
      pace: (bytes) => pacer.take(bytes, this.#stop.signal),
    };
    this.#standings = new StandingKeeper({ steadyMs: settings.steadyMs });
    this.#garbage = new GarbageWatch({ clock, reads }, { graceMs: settings.garbageGraceMs });
  }

  get repairQueue(): RepairQueue {
    return this.#parts.backlog;
  }

  start(): void {
    this.#stop = new AbortController();
    const { lookIntervalMs, censusIntervalMs, uploadsIntervalMs } = this.#settings;
    const { clock, logger } = this.#parts;
    const { signal } = this.#stop;
    const loop = (name: string, intervalMs: number, turn: () => Promise<unknown>): Promise<void> =>
      runLoop(name, turn, { clock, logger, signal, intervalMs });
    const loops = [
      runRepairs(this.#parts, () => this.#isRepairPaused, signal),
      loop("standings", lookIntervalMs, () => this.#lookAtDrives()),
      loop("repair-rows", lookIntervalMs, () => this.#lookAtRows()),
      loop("garbage", lookIntervalMs, () => collectGarbage(this.#parts, this.#garbage)),
      loop("census", censusIntervalMs, () => this.#count()),
      loop("scrub", lookIntervalMs, () => this.#scrub()),
      loop("uploads", uploadsIntervalMs, () => this.#tidyUploads()),
    ];
    this.#loops = Promise.all(
      loops.map(async (ended) => {
        try {
          await ended;
        } catch (failure) {
          if (!signal.aborted) this.#onBug(failure);
        }
      }),
    );
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("maintenance ends"));
    await this.#loops;
  }

  census(): CensusReport {
    return this.#census;
  }

  repair(): RepairReport {
    const { backlog } = this.#parts;
    const ageMs = backlog.oldestAgeMs;
    const oldestWaitingMs = ageMs === null ? null : this.#parts.clock.nowMs() - ageMs;
    return { waitingCount: backlog.waitingCount, oldestWaitingMs, isPaused: this.#isRepairPaused };
  }

  pauseRepair(): void {
    this.#isRepairPaused = true;
  }

  resumeRepair(): void {
    this.#isRepairPaused = false;
    this.#parts.backlog.hurry();
  }

  scrubbedMs(): number | null {
    const drives = this.#parts.map.drives();
    const ends = drives.map(({ driveId }) => this.#scrubbed.get(driveId));
    return drives.length === 0 || ends.includes(undefined) ? null : Math.min(...(ends as number[]));
  }

  bitrotFoundCount(): number {
    return this.#damagedCount;
  }

  async #lookAtDrives(): Promise<void> {
    const back = await this.#standings.look(this.#parts);
    if (back.length > 0) this.#parts.backlog.hurry();
  }

  /** Repair rows, and groups that are behind: a count of these alone finds what to mend. */
  async #lookAtRows(): Promise<void> {
    this.#nextRow = takeUpRows(this.#parts, this.#nextRow);
    const { backlog, clock } = this.#parts;
    // What the last count queued is mended before it is counted again.
    const isDue = backlog.waitingCount === 0 || clock.monotonicMs() - this.#countedBehindMs >= behindCountMsMax;
    if (!isDue) return;
    this.#countedBehindMs = clock.monotonicMs();
    const ready = this.#catchUp.readyDrives(this.#parts);
    const { groupsInOrder } = await takeCensus(this.#parts, {
      covers: (_group, record) => isBehind(this.#parts, record),
    });
    await forgetBehind(this.#parts, groupsInOrder, ready);
  }

  async #count(): Promise<void> {
    const ready = this.#catchUp.readyDrives(this.#parts);
    const { report, groupsInOrder } = await takeCensus(this.#parts, { covers: () => true });
    await forgetBehind(this.#parts, groupsInOrder, ready);
    if (report === null) return;
    publishCensus(this.#parts.metrics, report, this.#census);
    this.#census = report;
  }

  async #scrub(): Promise<void> {
    const { scrubIntervalMs, scrubBytesPerSecondMin, scrubBytesPerSecondMax } = this.#settings;
    const rule = {
      intervalMs: scrubIntervalMs,
      bytesPerSecondMin: scrubBytesPerSecondMin,
      bytesPerSecondMax: scrubBytesPerSecondMax,
    };
    // Drives at the same time, so that a slow one does not hold up the others.
    const passes = this.#parts.map.drives().map(async ({ driveId }) => {
      const endedMs = await scrubDrive(this.#parts, driveId, rule, this.#stop.signal);
      if (endedMs !== null) this.#scrubbed.set(driveId, endedMs);
    });
    await Promise.all(passes);
  }

  async #tidyUploads(): Promise<void> {
    await tidyUploads(this.#parts, this.#settings.staleUploadAgeMs);
    await dropOldAnswers(this.#parts);
  }
}
