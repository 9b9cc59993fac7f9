import { KIB, MIB } from "@kakera/kernel";

export interface DriveSettings {
  /** The directory or URL, for people. */
  readonly place: string;
  /** A segment is sealed when the next batch would make it larger. At most 1 GiB. */
  readonly segmentSizeBytes: number;
  /** Shards of this size and more get a file of their own. */
  readonly ownFileBytesMin: number;
  /** Of records in one group commit. */
  readonly syncBytesMax: number;
  /** Of records that wait for their group commit; more are refused (retry). */
  readonly queuedBytesMax: number;
  readonly queuedRecordsMax: number;
  /** Files kept open for reading. */
  readonly openFilesMax: number;
  /** Records up to this size are read whole, in one call. */
  readonly wholeReadBytesMax: number;
}

export const defaultDriveSettings: Omit<DriveSettings, "place"> = {
  segmentSizeBytes: 256 * MIB,
  ownFileBytesMin: MIB,
  syncBytesMax: 4 * MIB,
  queuedBytesMax: 64 * MIB,
  queuedRecordsMax: 16_384,
  openFilesMax: 256,
  wholeReadBytesMax: 128 * KIB,
};
