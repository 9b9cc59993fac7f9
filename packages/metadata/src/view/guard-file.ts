import { hash } from "node:crypto";
import { DiskError, type Disk } from "@kakera/kernel";

/**
 * What a derived file beside it is worth:
 * - `opening`: a process was about to open it; if that is still here, the opening ended the process
 * - `open`: it is being changed, without fsync
 * - `clean`: it was synced and closed
 */
export type GuardState = "opening" | "open" | "clean";

export interface Guard {
  readonly state: GuardState;
  /** The machine's boot in which this was written; null where it cannot be told. */
  readonly bootId: string | null;
  /** Whose derived file it is: the cluster. */
  readonly lineage: string;
  /** SHA-256 of the derived file as it was closed; only with `clean`. LMDB has no checksums: a flipped bit would be believed. */
  readonly content?: string | null;
}

/** Where the guard file is: a folder of a drive, and a name in it. */
export interface GuardPlace {
  readonly disk: Disk;
  readonly directory: string;
  readonly name: string;
}

// Magic `KKGUARD1`, bytes of payload (4), the first 16 bytes of the payload's SHA-256, the payload: JSON.
const magic = Buffer.from("KKGUARD1");
const headerBytes = 28;
const fileBytesMax = 4096;

/** null: there is none, or it is not whole. */
export async function readGuard(place: GuardPlace): Promise<Guard | null> {
  const bytes = Buffer.alloc(fileBytesMax);
  let length = 0;
  try {
    const file = await place.disk.open(`${place.directory}/${place.name}`, { access: "read" });
    try {
      length = await file.read(bytes, 0);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof DiskError && error.code === "ENOENT") return null;
    throw error;
  }
  return decodeGuard(bytes.subarray(0, length));
}

/** Durable when it resolves. */
export async function writeGuard(place: GuardPlace, guard: Guard): Promise<void> {
  const { disk, directory, name } = place;
  const path = `${directory}/${name}`;
  const unfinished = `${path}.unfinished`;
  if ((await disk.stat(unfinished)) !== null) await disk.unlink(unfinished);
  const file = await disk.open(unfinished, { access: "create" });
  try {
    await file.write(encodeGuard(guard), 0);
    await file.fdatasync();
  } finally {
    await file.close();
  }
  await disk.rename(unfinished, path);
  await disk.syncDirectory(directory);
}

/**
 * Whether the derived file may be kept. After a reboot only a clean one may: its pages reach the disk in any order, and it
 * would open, look whole, and lack rows (correctness.md F9). A killed process alone leaves it right: the page cache survives.
 */
export function mayKeep(
  guard: Guard | null,
  now: { readonly bootId: string | null; readonly lineage: string },
): boolean {
  if (guard === null || guard.lineage !== now.lineage) return false;
  if (guard.state === "clean") return true;
  return guard.state === "open" && guard.bootId !== null && guard.bootId === now.bootId;
}

export function encodeGuard(guard: Guard): Buffer {
  const payload = Buffer.from(
    JSON.stringify({
      state: guard.state,
      bootId: guard.bootId,
      lineage: guard.lineage,
      ...(guard.content == null ? {} : { content: guard.content }),
    }),
  );
  const header = Buffer.alloc(headerBytes);
  magic.copy(header);
  header.writeUInt32BE(payload.byteLength, 8);
  header.write(digestOf(payload), 12, "hex");
  return Buffer.concat([header, payload]);
}

export function decodeGuard(bytes: Buffer): Guard | null {
  if (bytes.byteLength < headerBytes || magic.compare(bytes, 0, 8) !== 0) return null;
  const payload = bytes.subarray(headerBytes, headerBytes + bytes.readUInt32BE(8));
  if (payload.byteLength !== bytes.readUInt32BE(8) || digestOf(payload) !== bytes.toString("hex", 12, headerBytes))
    return null;
  return JSON.parse(payload.toString()) as Guard;
}

function digestOf(payload: Buffer): string {
  return hash("sha256", payload, "hex").slice(0, 32);
}
