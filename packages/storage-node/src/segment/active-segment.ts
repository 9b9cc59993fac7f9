import { alignUp, type Disk, type DiskFile, type DriveId } from "@kakera/kernel";
import { containerSeed } from "../record/container-seed.ts";
import {
  encodeSegmentHeader,
  segmentBlockBytes,
  segmentFolder,
  segmentPath,
  type SegmentHeader,
} from "./segment-header.ts";
import { TableBuilder } from "./segment-table.ts";

/** The segment that is being written. */
export interface ActiveSegment {
  readonly header: SegmentHeader;
  readonly file: DiskFile;
  readonly seed: number;
  readonly table: TableBuilder;
  /** Where the next batch begins: a block's start. */
  endOffset: number;
}

/** Makes a segment's file and its name durable. */
export async function createSegment(
  disk: Disk,
  driveId: DriveId,
  facts: Omit<SegmentHeader, "driveId">,
): Promise<ActiveSegment> {
  const header = { driveId, ...facts };
  const file = await disk.open(segmentPath(facts.segmentId), { access: "create", isSynchronous: true });
  try {
    await file.write(encodeSegmentHeader(header), 0);
    await disk.syncDirectory(segmentFolder);
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
  return {
    header,
    file,
    seed: containerSeed(driveId, { kind: "segment", segmentId: header.segmentId }),
    table: new TableBuilder(),
    endOffset: segmentBlockBytes,
  };
}

export interface SealedSizes {
  /** Of the file. */
  readonly sizeBytes: number;
  /** Of all its records. */
  readonly recordBytes: number;
}

/** Ends a segment with the table of its records, durably, and closes it. Nothing more may be appended. */
export async function sealFile(
  file: DiskFile,
  table: TableBuilder,
  at: { seed: number; endOffset: number },
): Promise<SealedSizes> {
  try {
    const tableOffset = alignUp(at.endOffset, segmentBlockBytes);
    const bytes = table.finish(tableOffset, at.seed);
    const sizeBytes = tableOffset + bytes.byteLength;
    // The size first: a trailer counts only at the very end of the file.
    await file.truncate(sizeBytes);
    await file.write(bytes, tableOffset);
    return { sizeBytes, recordBytes: table.recordBytes };
  } finally {
    await file.close();
  }
}
