import { assert, KIB, MIB, type Clock, type ClusterId, type Failpoints, type Logger } from "@kakera/kernel";
import { blockBytes } from "../journal/batch-format.ts";
import type { JournalPlace } from "../journal/journal-folder.ts";

export interface ArchiveComponents {
  readonly clusterId: ClusterId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly failpoints: Failpoints;
}

export interface ArchivePlan {
  /** Name of the log that is followed: `logId` of its positions. */
  readonly logId: string;
  /** Of this leader: above those of all leaders before it, and never used twice. A newer one on a drive ends this archive. */
  readonly epoch: number;
  /** The drives that shall hold the archive, and its folder on each, e.g. `.kakera/archive`. Their calls must end (boundedDisk). */
  readonly places: readonly JournalPlace[];
  /** Drives that may be lost: m. */
  readonly tolerance: number;
  /** With fewer than m+1 drives up, nothing is published on fewer than so many. */
  readonly copiesMin: number;
  /**
   * `continue`: go on behind what the drives hold. `anew`: leave it as it is and begin with a checkpoint, when it is of
   * another lineage than the log and an operator has accepted the loss.
   */
  readonly start: "continue" | "anew";
  readonly settings?: Partial<ArchiveSettings>;
}

/** Sizes and bounds of the archive. All have defaults for a server; tests choose small ones. */
export interface ArchiveSettings {
  /** A batch becomes durable so long after it was taken, and the time that the write takes. */
  readonly archiveIntervalMs: number;
  /** Batches of so many bytes are written at once. */
  readonly groupBytesMax: number;
  /** Batches that wait for the drives; beyond them `take` waits. */
  readonly queueBytesMax: number;
  readonly fileSizeBytes: number;
  /** Files on each drive kept ready, which a checkpoint that finds no room may have. */
  readonly reserveFiles: number;
  /** A checkpoint is due when the groups since the last take more bytes than it, and than this. */
  readonly checkpointBytesMin: number;
  readonly checkpointBlockBytes: number;
  /** How long a checkpoint waits until the archive has what the copied view holds. */
  readonly checkpointWaitMs: number;
}

const archiveSettingsDefault: ArchiveSettings = {
  archiveIntervalMs: 1000,
  groupBytesMax: 4 * MIB,
  queueBytesMax: 32 * MIB,
  fileSizeBytes: 32 * MIB,
  reserveFiles: 1,
  checkpointBytesMin: 256 * MIB,
  checkpointBlockBytes: 512 * KIB,
  checkpointWaitMs: 60_000,
};

export function archiveSettings(plan: ArchivePlan): ArchiveSettings {
  const settings = { ...archiveSettingsDefault, ...plan.settings };
  assert(Number.isSafeInteger(plan.epoch) && plan.epoch > 0, "an epoch is a positive whole number");
  assert(plan.copiesMin >= 1 && plan.copiesMin <= plan.tolerance + 1, "between one copy and m+1");
  assert(settings.fileSizeBytes >= 2 * blockBytes && settings.fileSizeBytes % blockBytes === 0, "whole 4 KiB blocks");
  assert(settings.queueBytesMax >= settings.groupBytesMax, "a queue holds a group");
  return settings;
}
