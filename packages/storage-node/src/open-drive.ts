import {
  ClusterFailure,
  type Clock,
  type Disk,
  type Failpoints,
  type Logger,
  type Meter,
  type Random,
} from "@kakera/kernel";
import { LocalDrive, type Drive } from "./drive.ts";
import { defaultDriveSettings, type DriveSettings } from "./drive-settings.ts";
import { DriveHealth } from "./health/drive-health.ts";
import { readIdentity, writeIdentity } from "./identity/identity-file.ts";
import type { DriveIdentity } from "./identity/identity-record.ts";
import type { OrderedStore } from "./index/ordered-store.ts";
import { ShardIndex } from "./index/shard-index.ts";
import { createDriveMetrics } from "./metrics.ts";
import { FileCache } from "./read/file-cache.ts";
import { RecordReader } from "./read/record-reader.ts";
import {
  closeOpenSegment,
  readTail,
  recoverSegments,
  type RecoveredSegments,
  type RecoveryParts,
} from "./recovery/recover-segments.ts";
import { AppendQueue } from "./segment/append-queue.ts";
import { firstSegmentId } from "./segment/segment-header.ts";
import { SegmentWriter } from "./segment/segment-writer.ts";

export interface DriveComponents {
  readonly disk: Disk;
  readonly index: OrderedStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly failpoints: Failpoints;
}

/**
 * Opens a drive that was formatted (`formatDrive`) and judged (`judgePlace`): raises its incarnation, brings the index up
 * to its segments, and is ready. Rejects with ClusterFailure `halt` when the folder is no drive.
 */
export async function openDrive(
  components: DriveComponents,
  given: Partial<DriveSettings> & Pick<DriveSettings, "place">,
): Promise<Drive> {
  const settings = { ...defaultDriveSettings, ...given };
  const { disk, clock, failpoints, logger } = components;
  const identity = await beginIncarnation(disk, failpoints);
  const { driveId } = identity;
  const metrics = createDriveMetrics(components.meter, driveId);
  const health = new DriveHealth({ metrics, logger });
  const index = new ShardIndex(components.index);
  const recovery = { disk, driveId, index, metrics, logger };
  const recovered = await recoverSegments(recovery);
  const segmentSizes = recovered.sizes;
  const files = new FileCache(disk, settings.openFilesMax);
  const writer = new SegmentWriter(
    {
      disk,
      driveId,
      clock,
      failpoints,
      metrics,
      health,
      segmentSizeBytes: settings.segmentSizeBytes,
      liveSequence: (ref) => index.find(ref)?.sequence ?? null,
      onDurable: (batch) => index.applyBatch(batch),
      onRetired: (segmentId, sizeBytes) => segmentSizes.set(segmentId, sizeBytes),
    },
    { nextSegmentId: firstSegmentId(identity.incarnation), nextSequence: recovered.nextSequence },
  );
  const queue = new AppendQueue(settings, (records) => writer.write(records));
  const { wholeReadBytesMax } = settings;
  const reader = new RecordReader({ driveId, files, metrics, logger, wholeReadBytesMax });
  await settleOpenSegments(recovery, recovered, queue);
  return new LocalDrive({ driveId, disk, settings, health, index, queue, writer, reader, files, segmentSizes });
}

async function beginIncarnation(disk: Disk, failpoints: Failpoints): Promise<DriveIdentity> {
  const found = await readIdentity(disk);
  if (found === null || found === "damaged") {
    throw new ClusterFailure("halt", "the folder is not a drive of this cluster", { reason: "DRIVE_FOREIGN" });
  }
  const identity = { ...found, incarnation: found.incarnation + 1 };
  await writeIdentity(disk, identity, failpoints);
  return identity;
}

async function settleOpenSegments(
  parts: RecoveryParts,
  recovered: RecoveredSegments,
  queue: AppendQueue,
): Promise<void> {
  for (const open of recovered.open) {
    for (const record of await readTail(parts, open)) await queue.append(record);
    const sizeBytes = await closeOpenSegment(parts, open);
    if (sizeBytes !== null) recovered.sizes.set(open.segmentId, sizeBytes);
  }
}
