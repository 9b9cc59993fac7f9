import { createMemoryDisk } from "@kakera/disk";
import {
  createSeededRandom,
  newId,
  noFailpoints,
  silentLogger,
  silentMeter,
  systemClock,
  type Clock,
  type ClusterId,
  type Disk,
  type DriveId,
  type Random,
} from "@kakera/kernel";
import {
  createMemoryView,
  openJournalLog,
  type JournalComponents,
  type JournalLog,
  type JournalPlace,
  type JournalPlan,
  type JournalSettings,
  type WritableView,
} from "../src/index.ts";

export const smallSettings: Partial<JournalSettings> = {
  fileSizeBytes: 64 * 1024,
  batchBytesMax: 16 * 1024,
  backlogBytesMax: 64 * 1024,
  checkpointBytesMin: 2 ** 40,
  checkpointBlockBytes: 4096,
};

/** Turns end with the promises at hand: memory drives know no other work. */
const promiseClock: Clock = { ...systemClock, atTurnEnd: (callback) => queueMicrotask(callback) };

/** The drives of one machine in memory, and the journals that are opened on them one after the other. */
export class JournalDrives {
  readonly random: Random;
  readonly clusterId: ClusterId;
  readonly driveIds: DriveId[];
  readonly disks: Disk[];
  readonly tolerance: number;

  constructor(driveCount: number, tolerance: number, seed = 1) {
    this.random = createSeededRandom(seed);
    this.clusterId = newId("cluster", this.random);
    this.driveIds = Array.from({ length: driveCount }, () => newId("drive", this.random));
    this.disks = this.driveIds.map(() => createMemoryDisk());
    this.tolerance = tolerance;
  }

  place(index: number, disk: Disk = this.disks[index] as Disk): JournalPlace {
    return { driveId: this.driveIds[index] as DriveId, disk, directory: ".kakera/journal" };
  }

  /** Opens with the drives of these indexes present, m+2 of them holding the journal. */
  open(
    options: Partial<JournalPlan> &
      Partial<JournalComponents> & { present?: readonly number[]; view?: WritableView } = {},
  ): Promise<JournalLog> {
    const present = options.present ?? this.driveIds.map((_, index) => index);
    const holders = present.filter((index) => index < this.tolerance + 2);
    return openJournalLog(
      {
        clusterId: this.clusterId,
        session: newId("session", this.random),
        view: options.view ?? createMemoryView(),
        random: this.random,
        clock: options.clock ?? promiseClock,
        logger: options.logger ?? silentLogger,
        meter: options.meter ?? silentMeter,
        failpoints: options.failpoints ?? noFailpoints,
      },
      {
        drives: this.driveIds,
        presentDrives: present.map((index) => this.driveIds[index] as DriveId),
        places: options.places ?? holders.map((index) => this.place(index)),
        tolerance: this.tolerance,
        start: options.start ?? "form",
        ...(options.witnesses === undefined ? {} : { witnesses: options.witnesses }),
        ...(options.forget === undefined ? {} : { forget: options.forget }),
        settings: { ...smallSettings, ...options.settings },
      },
    );
  }
}
