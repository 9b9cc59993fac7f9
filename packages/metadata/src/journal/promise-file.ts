import { hash } from "node:crypto";
import { DiskError, type Disk } from "@kakera/kernel";
import { journalNames } from "./journal-names.ts";

/**
 * The highest term that this drive has promised: a start writes its new term here, on as many drives as a batch needs,
 * before any batch carries it. 40 bytes: magic `KKPROM01`, term, cluster id (its first 8 bytes), checksum (16).
 */
const magic = Buffer.from("KKPROM01");
const fileBytes = 40;

/** 0 when nothing was promised. A file that cannot be read as one counts as nothing: another drive has the promise too. */
export async function readPromise(disk: Disk, directory: string, clusterId: string): Promise<number> {
  const bytes = Buffer.alloc(fileBytes);
  try {
    const file = await disk.open(`${directory}/${journalNames.promise}`, { access: "read" });
    try {
      await file.read(bytes, 0);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof DiskError && error.code === "ENOENT") return 0;
    throw error;
  }
  const term = Number(bytes.readBigUInt64BE(8));
  return encodePromise(term, clusterId).equals(bytes) ? term : 0;
}

/** Durable when it resolves. */
export async function writePromise(
  disk: Disk,
  directory: string,
  promise: { readonly term: number; readonly clusterId: string },
): Promise<void> {
  const path = `${directory}/${journalNames.promise}`;
  const unfinished = journalNames.unfinished(path);
  if ((await disk.stat(unfinished)) !== null) await disk.unlink(unfinished);
  const file = await disk.open(unfinished, { access: "create" });
  try {
    await file.write(encodePromise(promise.term, promise.clusterId), 0);
    await file.fdatasync();
  } finally {
    await file.close();
  }
  await disk.rename(unfinished, path);
  await disk.syncDirectory(directory);
}

function encodePromise(term: number, clusterId: string): Buffer {
  const bytes = Buffer.alloc(fileBytes);
  magic.copy(bytes);
  bytes.writeBigUInt64BE(BigInt(term), 8);
  bytes.write(clusterId.slice(0, 16), 16, "hex");
  bytes.write(hash("sha256", bytes.subarray(0, 24), "hex").slice(0, 32), 24, "hex");
  return bytes;
}
