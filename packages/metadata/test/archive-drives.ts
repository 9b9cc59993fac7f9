import { createMemoryDisk } from "@kakera/disk";
import {
  createManualClock,
  createSeededRandom,
  newId,
  noFailpoints,
  silentLogger,
  type ClusterId,
  type Disk,
  type DriveId,
  type Random,
} from "@kakera/kernel";
import {
  createMemoryView,
  openArchive,
  readArchive,
  type Archive,
  type ArchivePlan,
  type ArchiveReading,
  type ArchiveSettings,
  type JournalPlace,
  type ViewPosition,
} from "../src/index.ts";
import { contents } from "./followed-log.ts";

const smallSettings: Partial<ArchiveSettings> = {
  fileSizeBytes: 16 * 1024,
  groupBytesMax: 4 * 1024,
  queueBytesMax: 16 * 1024,
  checkpointBytesMin: 24 * 1024,
  checkpointBlockBytes: 1024,
};

/** Drives in memory, and the leaders that archive a log on them. */
export class ArchiveDrives {
  readonly random: Random;
  readonly clusterId: ClusterId;
  readonly driveIds: DriveId[];
  readonly disks: Disk[];
  readonly clock = createManualClock();

  constructor(driveCount: number, seed = 1) {
    this.random = createSeededRandom(seed);
    this.clusterId = newId("cluster", this.random);
    this.driveIds = Array.from({ length: driveCount }, () => newId("drive", this.random));
    this.disks = this.driveIds.map(() => createMemoryDisk());
  }

  place(index: number, disk: Disk = this.disks[index] as Disk): JournalPlace {
    return { driveId: this.driveIds[index] as DriveId, disk, directory: ".kakera/archive" };
  }

  open(options: Partial<ArchivePlan> & { readonly epoch: number; readonly logId: string }): Promise<Archive> {
    const { clusterId, clock } = this;
    return openArchive(
      { clusterId, clock, logger: silentLogger, failpoints: noFailpoints },
      {
        places: this.driveIds.map((_, index) => this.place(index)),
        tolerance: 1,
        copiesMin: 1,
        start: "continue",
        ...options,
        settings: { ...smallSettings, ...options.settings },
      },
    );
  }

  read(of: { readonly indexes?: readonly number[]; readonly disks?: readonly Disk[] } = {}): Promise<ArchiveReading> {
    const indexes = of.indexes ?? this.driveIds.map((_, index) => index);
    const { clusterId } = this;
    return readArchive(
      indexes.map((index) => this.place(index, of.disks?.[index] ?? this.disks[index])),
      { clusterId },
    );
  }

  /** Lets time pass until the archive has published the position. */
  async published(archive: Archive, { sequence }: ViewPosition): Promise<void> {
    await this.until(() => (archive.published?.sequence ?? 0) >= sequence);
  }

  async until(isMet: () => boolean): Promise<void> {
    for (let turn = 0; !isMet(); turn++) {
      if (turn > 100_000) throw new Error("it never came true");
      if (turn % 20 === 0) this.clock.advance(100);
      await Promise.resolve();
    }
  }
}

/** What a view restored from the reading holds. */
export async function restored(reading: ArchiveReading): Promise<string> {
  const view = createMemoryView();
  await reading.restoreView(view);
  if (view.position?.checksum !== reading.position?.checksum) throw new Error("the view stands elsewhere");
  return contents(view);
}
