import { KIB, MIB, SECOND_MS } from "@kakera/kernel";

export interface DriveSettings {
  /** The directory or URL, for people. */
  readonly place: string;
  /** A segment is sealed when the next batch would make it larger. At most 1 GiB. */
  readonly segmentSizeBytes: number;
  /** Shards of this size and more get a file of their own. */
  readonly ownFileBytesMin: number;
  /** Of records in one group commit. */
  readonly syncBytesMax: number;
  /** Of records in one group commit: they are indexed in one go, in which nothing else runs. */
  readonly syncRecordsMax: number;
  /**
   * Group commits of this size and more go past the page cache (O_DIRECT): below it the copy costs less than the first reader
   * of what was just written would pay for it.
   */
  readonly directBytesMin: number;
  /** Of records that wait for their group commit; more are refused (retry). */
  readonly queuedBytesMax: number;
  readonly queuedRecordsMax: number;
  /** Shards being written into files of their own at one time; more are refused (retry). */
  readonly ownFileStreamsMax: number;
  /** Files kept open for reading. */
  readonly openFilesMax: number;
  /** Records up to this size are read whole, in one call. */
  readonly wholeReadBytesMax: number;
  /** Of records that were written or read last: `readNow` serves these. */
  readonly recentBytesMax: number;
  /** A sealed segment with a larger share of garbage is compacted. */
  readonly garbageShareMax: number;
  /** `manual`: only when `compact` is called. */
  readonly compaction: "automatic" | "manual";
  /** The part of the drive that only tombstones, repair and compaction may use. */
  readonly reserveShare: number;
  /** How often the drive is looked at while nothing else shows that it is there. */
  readonly watchIntervalMs: number;
  /** `read-only`: a drive that may be an old copy of itself; it is read, and takes nothing. */
  readonly access: "read-write" | "read-only";
}

export const defaultDriveSettings: Omit<DriveSettings, "place"> = {
  segmentSizeBytes: 256 * MIB,
  ownFileBytesMin: MIB,
  syncBytesMax: 4 * MIB,
  syncRecordsMax: 1024,
  directBytesMin: 256 * KIB,
  queuedBytesMax: 64 * MIB,
  queuedRecordsMax: 16_384,
  ownFileStreamsMax: 64,
  openFilesMax: 256,
  wholeReadBytesMax: 128 * KIB,
  recentBytesMax: 64 * MIB,
  garbageShareMax: 0.3,
  compaction: "automatic",
  reserveShare: 0.05,
  watchIntervalMs: 2 * SECOND_MS,
  access: "read-write",
};
