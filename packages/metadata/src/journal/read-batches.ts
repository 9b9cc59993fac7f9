import type { Disk, DiskFile } from "@kakera/kernel";
import {
  batchBytes,
  blockBytes,
  headerBytes,
  isIntact,
  looksLikeBatch,
  readHeader,
  type BatchHeader,
} from "./batch-format.ts";
import { WindowReader } from "./window-reader.ts";

/** A batch found in a file. `bytes`: the whole of it, block padding included, lent until the next is asked for. */
export interface FoundBatch {
  readonly header: BatchHeader;
  readonly positionBytes: number;
  readonly sizeBytes: number;
  readonly bytes: Buffer;
}

export interface LogIdentity {
  readonly clusterId: string;
  /** null: any log of the cluster. */
  readonly logId: string | null;
}

/**
 * Every intact batch of this log in a file, in order of place. What is not one (zeros, a torn end, damage, a batch of an
 * earlier life of the file that is half overwritten) is passed over block by block: what it means is for `chooseTail` to say.
 */
export async function* readBatches(disk: Disk, path: string, identity: LogIdentity): AsyncGenerator<FoundBatch, void> {
  const file = await disk.open(path, { access: "read" });
  try {
    yield* batchesIn(file, identity);
  } finally {
    await file.close();
  }
}

async function* batchesIn(file: DiskFile, identity: LogIdentity): AsyncGenerator<FoundBatch, void> {
  const reader = new WindowReader(file);
  const fileBytes = await file.sizeBytes();
  for (let at = 0; at + headerBytes <= fileBytes;) {
    const found = await batchAt(reader, at, identity);
    if (found === null) {
      at += blockBytes;
      continue;
    }
    yield found;
    at += found.sizeBytes;
  }
}

async function batchAt(reader: WindowReader, at: number, identity: LogIdentity): Promise<FoundBatch | null> {
  const head = await reader.bytes(at, headerBytes);
  if (head.byteLength < headerBytes || !looksLikeBatch(head)) return null;
  const header = readHeader(head);
  if (header === null || header.clusterId !== identity.clusterId) return null;
  if (identity.logId !== null && header.logId !== identity.logId) return null;
  const sizeBytes = batchBytes(header.payloadBytes);
  const bytes = await reader.bytes(at, sizeBytes);
  if (bytes.byteLength < sizeBytes || !isIntact(bytes, header)) return null;
  return { header, positionBytes: at, sizeBytes, bytes };
}
