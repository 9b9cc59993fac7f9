import {
  MINUTE_MS,
  noFailpoints,
  sleep,
  type Clock,
  type DriveId,
  type Failpoints,
  type Logger,
  type Meter,
  type Random,
} from "@kakera/kernel";
import type { Codec, SharedMemory } from "@kakera/erasure";
import { readClusterMap, readPlan, type CommitLog } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { RepairQueue, ShardDrive } from "@kakera/rpc";
import { noCensus, publishCensus, type CensusReport } from "./census/census-report.ts";
import { takeCensus } from "./census/take-census.ts";
import { CatchUp, forgetBehind, isBehind } from "./drives/catch-up.ts";
import { StandingKeeper } from "./drives/keep-standings.ts";
import { collectGarbage } from "./garbage/collect-garbage.ts";
import { explainObject, type ExplainCall, type ObjectExplanation } from "./explain/explain-object.ts";
import { GarbageWatch } from "./garbage/garbage-watch.ts";
import { defaultMaintenanceSettings, type MaintenanceSettings } from "./maintenance-settings.ts";
import { createMaintenanceMetrics } from "./metrics.ts";
import { PlanCarrier } from "./moves/carry-out-plan.ts";
import type { MoveParts } from "./moves/move-group.ts";
import { Pacer } from "./pacer.ts";
import type { BodyCopier } from "./ports/body-copier.ts";
import { createMemoryPositions, type ScrubPositions } from "./ports/scrub-positions.ts";
import type { Sessions } from "./ports/sessions.ts";
import type { Watermarks } from "./ports/watermarks.ts";
import { RepairBacklog } from "./repair/repair-backlog.ts";
import { giveRepairOrder, readRepairOrder, type RepairOrder, type StandingOrder } from "./upkeep/repair-order.ts";
import { publishUpkeep } from "./upkeep/publish-upkeep.ts";
import { readUpkeepReport, type UpkeepReport } from "./upkeep/upkeep-report.ts";
import { runRepairs, takeUpRows } from "./repair/run-repairs.ts";
import { Rewriter } from "./rewrite/rewriter.ts";
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
  /** Default: none. */
  readonly failpoints?: Failpoints;
  /** Default: forgotten with the process. */
  readonly positions?: ScrubPositions;
  /** Writes bodies anew when there is a pool with another geometry. */
  readonly copier: BodyCopier;
  /** A failure that is not one of the cluster: a broken assumption. The process ends. */
  readonly onBug: (failure: unknown) => void;
}

/** The control loops of a cluster, wherever they are elected to run. */
export interface Maintenance {
  /** For readers, who find what is missing or damaged; takes findings from the start. */
  readonly repairQueue: RepairQueue;
  /** Again after `stop`, where its process leads again. */
  start(): void;
  /** Resolves when every loop has ended. */
  stop(): Promise<void>;
  /** What the loops know here, or where they run. */
  report(): UpkeepReport;
  /** Takes up again at once what waited for something that has come now. */
  hurry(): void;
  /** To whoever leads; resolves when it is committed. */
  orderRepair(order: RepairOrder): Promise<void>;
  explain(call: ExplainCall): Promise<ObjectExplanation | null>;
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
  readonly #parts: MoveParts;
  readonly #rewriter: Rewriter;
  readonly #onBug: (failure: unknown) => void;
  readonly #standings: StandingKeeper;
  readonly #catchUp = new CatchUp();
  readonly #garbage: GarbageWatch;
  readonly #plans = new PlanCarrier(() => this.#rewriter.isDone);
  readonly #scrubbed = new Map<DriveId, number>();
  #stop = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();
  #census: CensusReport = noCensus;
  #damagedCount = 0;
  #isRunning = false;
  /** Revision of the last order that was carried out. */
  #obeyed = 0;
  #counting: Promise<void> | null = null;
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
    const movePacer = new Pacer(clock, settings.moveBytesPerSecondMax);
    this.#parts = {
      ...components,
      metrics,
      backlog,
      map: readClusterMap(log.view),
      positions: components.positions ?? createMemoryPositions(),
      failpoints: components.failpoints ?? noFailpoints,
      pace: (bytes) => pacer.take(bytes, this.#stop.signal),
      movePace: async (bytes) => {
        await this.#whileMovesPaused();
        await movePacer.take(bytes, this.#stop.signal);
      },
    };
    // It is what a plan does, and waits when that is paused.
    this.#rewriter = new Rewriter({ ...this.#parts, pace: this.#parts.movePace, copier: components.copier });
    // Every node tells what the last count found, wherever it ran.
    let told = noCensus;
    meter.onCollect(() => {
      const { census } = this.report();
      publishCensus(metrics, census, told);
      told = census;
    });
    this.#standings = new StandingKeeper({ steadyMs: settings.steadyMs });
    this.#garbage = new GarbageWatch({ clock, reads }, { graceMs: settings.garbageGraceMs });
  }

  get repairQueue(): RepairQueue {
    return this.#parts.backlog;
  }

  start(): void {
    this.#stop = new AbortController();
    this.#isRunning = true;
    // What was counted elsewhere meanwhile is newer.
    this.#census = readUpkeepReport(this.#parts.log.view).census;
    this.#obeyed = this.#order.revision;
    const { lookIntervalMs, censusIntervalMs, uploadsIntervalMs } = this.#settings;
    const { clock, logger } = this.#parts;
    const { signal } = this.#stop;
    const loop = (name: string, intervalMs: number, turn: () => Promise<unknown>): Promise<void> =>
      runLoop(name, turn, { clock, logger, signal, intervalMs });
    const loops = [
      runRepairs(this.#parts, () => this.#order.isPaused, signal),
      loop("standings", lookIntervalMs, () => this.#lookAtDrives()),
      loop("repair-rows", lookIntervalMs, () => this.#lookAtRows()),
      loop("garbage", lookIntervalMs, () => collectGarbage(this.#parts, this.#garbage)),
      loop("census", censusIntervalMs, () => this.#count()),
      loop("scrub", lookIntervalMs, () => this.#scrub()),
      loop("moves", lookIntervalMs, () => this.#move()),
      loop("uploads", uploadsIntervalMs, () => this.#tidyUploads()),
      loop("rewrite", lookIntervalMs, () => this.#rewriter.turn(signal)),
      loop("orders", lookIntervalMs, () => this.#obey()),
      loop("report", lookIntervalMs, () => publishUpkeep(this.#parts, this.report())),
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
    this.#isRunning = false;
  }

  report(): UpkeepReport {
    const { isPaused } = this.#order;
    if (!this.#isRunning) {
      const written = readUpkeepReport(this.#parts.log.view);
      return { ...written, repair: { ...written.repair, isPaused } };
    }
    const { backlog, clock } = this.#parts;
    const ageMs = backlog.oldestAgeMs;
    return {
      census: this.#census,
      repair: {
        waitingCount: backlog.waitingCount,
        oldestWaitingMs: ageMs === null ? null : clock.nowMs() - ageMs,
        isPaused,
      },
      scrubbedMs: this.#scrubbedMs(),
      bitrotFoundCount: this.#damagedCount,
      rewriteBytes: this.#rewriter.remainingBytes ?? readUpkeepReport(this.#parts.log.view).rewriteBytes,
      reportedMs: null,
    };
  }

  hurry(): void {
    this.#parts.backlog.hurry();
  }

  orderRepair(order: RepairOrder): Promise<void> {
    return giveRepairOrder(this.#parts, order);
  }

  explain(call: ExplainCall): Promise<ObjectExplanation | null> {
    return explainObject(this.#parts, call);
  }

  get #order(): StandingOrder {
    return readRepairOrder(this.#parts.log.view);
  }

  /** A new order that is not to pause: mend at once what is known, and count what is not. */
  async #obey(): Promise<void> {
    const { isPaused, revision } = this.#order;
    if (revision === this.#obeyed) return;
    this.#obeyed = revision;
    if (isPaused) return;
    this.#parts.backlog.hurry();
    await this.#count();
  }

  #scrubbedMs(): number | null {
    const drives = this.#parts.map.drives();
    const ends = drives.map(({ driveId }) => this.#scrubbed.get(driveId));
    return drives.length === 0 || ends.includes(undefined) ? null : Math.min(...(ends as number[]));
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

  /** One count at a time. */
  #count(): Promise<void> {
    this.#counting ??= this.#countAll().finally(() => (this.#counting = null));
    return this.#counting;
  }

  async #countAll(): Promise<void> {
    const ready = this.#catchUp.readyDrives(this.#parts);
    const { report, groupsInOrder } = await takeCensus(this.#parts, { covers: () => true });
    await forgetBehind(this.#parts, groupsInOrder, ready);
    if (report === null) return;
    this.#census = report;
    await publishUpkeep(this.#parts, this.report());
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

  /** As long as anything comes of it. */
  async #move(): Promise<void> {
    while (!this.#stop.signal.aborted && (await this.#plans.turn(this.#parts)));
  }

  /** In the middle of a group as well: a pause is a pause. */
  async #whileMovesPaused(): Promise<void> {
    const { log, clock } = this.#parts;
    while (readPlan(log.view)?.record.state === records.PlanState.PAUSED)
      await sleep(clock, this.#settings.lookIntervalMs, this.#stop.signal);
  }

  async #tidyUploads(): Promise<void> {
    await tidyUploads(this.#parts, this.#settings.staleUploadAgeMs);
    await dropOldAnswers(this.#parts);
  }
}
