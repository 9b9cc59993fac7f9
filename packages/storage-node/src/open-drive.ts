import {
  ClusterFailure,
  type Clock,
  type Disk,
  type DriveId,
  type Failpoints,
  type Logger,
  type Meter,
  type Random,
} from "@kakera/kernel";
import { Compactor } from "./compaction/compactor.ts";
import { LocalDrive, type Drive, type DriveParts } from "./drive.ts";
import { defaultDriveSettings, type DriveSettings } from "./drive-settings.ts";
import { DriveHealth } from "./health/drive-health.ts";
import { PresenceWatch } from "./health/presence-watch.ts";
import { SpaceWatch } from "./health/space-watch.ts";
import { makeFolders } from "./identity/format-drive.ts";
import { readIdentity } from "./identity/identity-file.ts";
import { IdentityKeeper } from "./identity/identity-keeper.ts";
import type { OrderedStore } from "./index/ordered-store.ts";
import { segmentPlace } from "./index/index-values.ts";
import { ShardIndex } from "./index/shard-index.ts";
import { createDriveMetrics, type DriveMetrics } from "./metrics.ts";
import { OwnFiles } from "./own-file/own-files.ts";
import { Unlinker } from "./own-file/unlink-leaving.ts";
import { FileCache } from "./read/file-cache.ts";
import { RecentPlaces } from "./read/recent-places.ts";
import { RecordReader } from "./read/record-reader.ts";
import { indexTailsInPlace, recoverIndex, settleLeftOvers } from "./recovery/recover-drive.ts";
import { AppendQueue } from "./segment/append-queue.ts";
import { firstSegmentId, segmentPath } from "./segment/segment-header.ts";
import { SegmentWriter, type DurableBatch, type WriterPosition } from "./segment/segment-writer.ts";

export interface DriveComponents {
  /** Rooted at the drive's folder. In production bounded in calls and time (`boundedDisk`), which then tells whether it hangs. */
  readonly disk: Disk & { isSuspect?(): boolean; callsUnderWay?(): number | null };
  /** The drive's from now on: it is closed with the drive, and when the drive cannot be opened. */
  readonly index: OrderedStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly failpoints: Failpoints;
}

/** Records whose places `readNow` remembers at most; fewer where no more of them could be within its bytes. */
const recentRecordsMax = 16_384;
const recordBytesMin = 64;

/**
 * Opens a drive that was formatted (`formatDrive`) and judged (`judgePlace`): raises its incarnation, brings the index up
 * to what lies in segments and own files, and is ready. Rejects with ClusterFailure `halt` when the folder is no drive,
 * else with DiskError.
 */
export async function openDrive(
  components: DriveComponents,
  given: Partial<DriveSettings> & Pick<DriveSettings, "place">,
): Promise<Drive> {
  try {
    return await open(components, { ...defaultDriveSettings, ...given });
  } catch (error) {
    await components.index.close();
    throw error;
  }
}

async function open(components: DriveComponents, settings: DriveSettings): Promise<Drive> {
  const { disk, logger, clock } = components;
  const identity = await findIdentity(components);
  const { driveId } = identity.current;
  if (settings.access === "read-write") {
    await identity.write({ incarnation: identity.current.incarnation + 1 });
    await makeFolders(disk);
  }
  const metrics = createDriveMetrics(components.meter, driveId);
  const health = new DriveHealth({ metrics, logger, isHanging: () => disk.isSuspect?.() ?? null });
  const index = new ShardIndex(components.index);
  const recovery = { disk, driveId, index, metrics, logger };
  const recovered = await recoverIndex(recovery);
  const space = new SpaceWatch({ disk, health, reserveShare: settings.reserveShare });
  metrics.watch(() => ({ callsUnderWay: disk.callsUnderWay?.() ?? null, freeInodes: space.freeInodes }));
  const base = { ...components, settings, driveId, metrics, health, index, space };
  const position = {
    nextSegmentId: firstSegmentId(identity.current.incarnation),
    nextSequence: recovered.nextSequence,
  };
  const { files, recent, reader, writer, queue, compactor, unlinker, ownFiles } = assemble(base, position);
  if (settings.access === "read-write") await settleLeftOvers(recovery, recovered, queue);
  else {
    indexTailsInPlace(recovery, recovered);
    health.setFailed("DRIVE_FOREIGN");
  }
  await space.refresh();
  const wake = (): void => {
    if (health.condition !== "online" && health.condition !== "full") return;
    unlinker.wake();
    if (settings.compaction === "automatic") compactor.wake();
  };
  wake();
  const intervalMs = settings.watchIntervalMs;
  const presence = new PresenceWatch({ disk, driveId, clock, health, space, intervalMs, onPresent: wake });
  presence.start();
  return new LocalDrive({
    driveId,
    settings,
    health,
    space,
    presence,
    identity,
    index,
    queue,
    writer,
    ownFiles,
    unlinker,
    compactor,
    reader,
    recent,
    files,
  });
}

interface BaseParts extends Omit<DriveComponents, "index"> {
  readonly settings: DriveSettings;
  readonly driveId: DriveId;
  readonly metrics: DriveMetrics;
  readonly health: DriveHealth;
  readonly index: ShardIndex;
  readonly space: SpaceWatch;
}

type AssembledParts = Pick<
  DriveParts,
  "files" | "recent" | "reader" | "writer" | "queue" | "compactor" | "unlinker" | "ownFiles"
>;

function assemble(base: BaseParts, position: WriterPosition): AssembledParts {
  const { disk, index, settings, space } = base;
  const files = new FileCache(disk, settings.openFilesMax);
  const bytesMax = settings.recentBytesMax;
  const countMax = Math.min(recentRecordsMax, Math.ceil(bytesMax / recordBytesMin) + 1);
  const recent = new RecentPlaces({ bytesMax, countMax });
  const reader = new RecordReader({ ...base, files, wholeReadBytesMax: settings.wholeReadBytesMax });
  const onDurable = (batch: DurableBatch): void => {
    index.applyBatch(batch);
    if (!batch.isCached) return;
    for (const entry of batch.entries) {
      if (entry.kind === "shard") recent.note(segmentPlace(batch.segmentId, entry));
    }
  };
  const writer = new SegmentWriter(
    {
      ...base,
      segmentSizeBytes: settings.segmentSizeBytes,
      directBytesMin: settings.directBytesMin,
      liveSequence: (ref) => index.find(ref)?.sequence ?? null,
      onDurable,
      onBegun: (segmentId) => void files.prime(segmentPath(segmentId)),
      onSealed: (segmentId, sizes) => index.sealSegment(segmentId, sizes),
    },
    position,
  );
  const queue = new AppendQueue(settings, base.clock, (records) => writer.write(records));
  const { segmentSizeBytes, garbageShareMax } = settings;
  const compactor = new Compactor({ ...base, queue, files, segmentSizeBytes, garbageShareMax });
  const unlinker = new Unlinker({ ...base, files });
  const ownFiles = new OwnFiles({
    ...base,
    takeSequence: () => writer.takeSequence(),
    streamsMax: settings.ownFileStreamsMax,
    onWritten: (bytes) => space.note(bytes),
    onLeaving: () => unlinker.wake(),
  });
  return { files, recent, reader, writer, queue, compactor, unlinker, ownFiles };
}

async function findIdentity({ disk, failpoints }: DriveComponents): Promise<IdentityKeeper> {
  const found = await readIdentity(disk);
  if (found === null || found === "damaged") {
    throw new ClusterFailure("halt", "the folder is not a drive of this cluster", { reason: "DRIVE_FOREIGN" });
  }
  return new IdentityKeeper(disk, failpoints, found);
}
