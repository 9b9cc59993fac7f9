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
  /** The same file past the page cache, once a batch was large enough. */
  direct: DiskFile | null;
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
    direct: null,
    seed: containerSeed(driveId, { kind: "segment", segmentId: header.segmentId }),
    table: new TableBuilder(),
    endOffset: segmentBlockBytes,
  };
}

/** The file to write a large batch through: positions, lengths and buffers are multiples of 4 KiB. */
export async function directFileOf(segment: ActiveSegment, disk: Disk): Promise<DiskFile> {
  segment.direct ??= await disk.open(segmentPath(segment.header.segmentId), {
    access: "write",
    isSynchronous: true,
    isDirect: true,
  });
  return segment.direct;
}

/** Nothing more is written. */
export async function closeFilesOf(segment: ActiveSegment): Promise<void> {
  await segment.direct?.close();
  await segment.file.close();
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
