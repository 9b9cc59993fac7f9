import { idFromBytes, type Disk, type DiskFile, type DriveId } from "@kakera/kernel";
import type { CheckpointPosition } from "@kakera/protocol";
import type { RangeEntry, ViewPosition } from "../ports/view.ts";
import {
  checkpointBlockHeaderBytes,
  checkpointPayload,
  decodeHead,
  decodeTail,
  edgeBlockBytes,
  readCheckpointBlockHeader,
  readEntries,
  type CheckpointBlockKind,
} from "./checkpoint-format.ts";
import { WindowReader } from "./window-reader.ts";

/** A checkpoint whose ends are intact. Its blocks are verified when they are read. */
export interface CheckpointFile {
  readonly name: string;
  readonly logId: string;
  /** In an archive: the name that `logId` is a hash of; else empty. */
  readonly logName: string;
  readonly sizeBytes: number;
  /** Replay starts behind it. */
  readonly from: ViewPosition;
  /** Good only when everything up to here has been replayed. */
  readonly until: ViewPosition;
  readonly entryCount: number;
  readonly blockCount: number;
  readonly forgotten: readonly DriveId[];
}

/** Reads head and tail; null when the file is no whole checkpoint of this cluster. */
export async function describeCheckpoint(
  disk: Disk,
  directory: string,
  place: { name: string; clusterId: string },
): Promise<CheckpointFile | null> {
  const file = await disk.open(`${directory}/${place.name}`, { access: "read" });
  try {
    const sizeBytes = await file.sizeBytes();
    if (sizeBytes < 2 * edgeBlockBytes) return null;
    const [head, tail] = [await edgeBlock(file, 0), await edgeBlock(file, sizeBytes - edgeBlockBytes)];
    return describeEnds({ head, tail }, { ...place, sizeBytes });
  } finally {
    await file.close();
  }
}

function describeEnds(
  ends: { head: Buffer; tail: Buffer },
  place: { name: string; clusterId: string; sizeBytes: number },
): CheckpointFile | null {
  const logId = logIdOf(ends.head);
  if (logId === null) return null;
  const [head, tail] = [intact(ends.head, "head", logId), intact(ends.tail, "tail", logId)];
  if (head === null || tail === null) return null;
  const { clusterId, logName } = decodeHead(head);
  if (Buffer.from(clusterId).toString("hex") !== place.clusterId) return null;
  const { from, until, entryCount, blockCount, forgotten } = decodeTail(tail);
  return {
    name: place.name,
    logId,
    logName,
    sizeBytes: place.sizeBytes,
    entryCount,
    blockCount,
    from: positionOf(from as CheckpointPosition, logId),
    until: positionOf(until as CheckpointPosition, logId),
    forgotten: forgotten.map((id) => idFromBytes("drive", id)),
  };
}

/** The log id that the block's checksum is to be seeded with: read before anything is verified, so it may be nonsense. */
function logIdOf(head: Buffer): string | null {
  const header = readCheckpointBlockHeader(head);
  const end = checkpointBlockHeaderBytes + (header?.payloadBytes ?? edgeBlockBytes);
  if (end > head.byteLength) return null;
  try {
    return Buffer.from(decodeHead(head.subarray(checkpointBlockHeaderBytes, end)).logId).toString("hex");
  } catch {
    return null;
  }
}

/** A block of the checkpoint is not what was written. */
export class CheckpointDamage extends Error {
  override readonly name = "CheckpointDamage";
}

/**
 * Entries of a checkpoint, a block at a time, each verified. Keys and values are views that stay valid.
 * Throws {@link CheckpointDamage} at the first block that is not intact, and at the end when something is missing.
 */
export async function* readCheckpoint(
  disk: Disk,
  directory: string,
  checkpoint: CheckpointFile,
): AsyncGenerator<RangeEntry[], void> {
  const file = await disk.open(`${directory}/${checkpoint.name}`, { access: "read" });
  try {
    const reader = new WindowReader(file);
    let entryCount = 0;
    let at = edgeBlockBytes;
    for (let number = 1; number <= checkpoint.blockCount; number++) {
      const header = readCheckpointBlockHeader(await reader.bytes(at, checkpointBlockHeaderBytes));
      const isExpected =
        header?.kind === "entries" && header.number === number && header.payloadBytes <= checkpoint.sizeBytes;
      if (header === null || !isExpected)
        throw new CheckpointDamage(`${checkpoint.name}: block ${number} is not there`);
      const blockBytes = checkpointBlockHeaderBytes + header.payloadBytes;
      const payload = checkpointPayload(Buffer.from(await reader.bytes(at, blockBytes)), header, checkpoint.logId);
      if (payload === null) throw new CheckpointDamage(`${checkpoint.name}: block ${number} is damaged`);
      const entries = readEntries(payload);
      entryCount += entries.length;
      at += blockBytes;
      yield entries;
    }
    const isWhole = entryCount === checkpoint.entryCount && at + edgeBlockBytes === checkpoint.sizeBytes;
    if (!isWhole) throw new CheckpointDamage(`${checkpoint.name}: ${entryCount} of ${checkpoint.entryCount} entries`);
  } finally {
    await file.close();
  }
}

async function edgeBlock(file: DiskFile, at: number): Promise<Buffer> {
  const block = Buffer.alloc(edgeBlockBytes);
  await file.read(block, at);
  return block;
}

function intact(block: Buffer, kind: CheckpointBlockKind, logId: string): Buffer | null {
  const header = readCheckpointBlockHeader(block);
  return header?.kind === kind ? checkpointPayload(block, header, logId) : null;
}

function positionOf(message: CheckpointPosition, logId: string): ViewPosition {
  const { term, sequence, revision } = message;
  return { logId, term, sequence, revision, checksum: Buffer.from(message.checksum).toString("hex") };
}
