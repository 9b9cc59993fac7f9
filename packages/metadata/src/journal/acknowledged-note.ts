import { hash } from "node:crypto";
import { DiskError, type Disk, type DiskFile } from "@kakera/kernel";
import type { JournalPlace } from "./journal-folder.ts";
import { journalNames } from "./journal-names.ts";

/**
 * What a drive was last told of acknowledgements: a batch that lies on as many drives as it needs. Written when no batch
 * follows, as the next batch would say the same; in place, and synced at a clean end only: it is true whenever it can be
 * read, and a start that lacks it keeps back what the last batch changed. 40 bytes: magic `KKACKN01`, the batch's checksum
 * (16), checksum (16).
 */
const magic = Buffer.from("KKACKN01");
const noteBytes = 40;

/** Checksum of the batch; null when there is no note that can be read as one. */
export async function readAcknowledgedNote(disk: Disk, directory: string): Promise<string | null> {
  const bytes = Buffer.alloc(noteBytes);
  try {
    const file = await disk.open(`${directory}/${journalNames.acknowledged}`, { access: "read" });
    try {
      await file.read(bytes, 0);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof DiskError && error.code === "ENOENT") return null;
    throw error;
  }
  const checksum = bytes.toString("hex", 8, 24);
  return encodeNote(checksum).equals(bytes) ? checksum : null;
}

/** Writes a drive's notes, one at a time; of those that come meanwhile only the latest. */
export class AcknowledgedNote {
  readonly #place: JournalPlace;
  #file: DiskFile | null = null;
  #next: string | null = null;
  #writing: Promise<void> | null = null;

  constructor(place: JournalPlace) {
    this.#place = place;
  }

  /** Resolves when nothing is left to write. Rejects with what the drive said. */
  write(checksum: string): Promise<void> {
    this.#next = checksum;
    this.#writing ??= this.#writeAll().finally(() => (this.#writing = null));
    return this.#writing;
  }

  /** What was written is durable when it resolves. */
  async close(): Promise<void> {
    await this.#writing?.catch(() => {});
    const file = this.#file;
    this.#file = null;
    try {
      await file?.fdatasync();
    } finally {
      await file?.close();
    }
  }

  async #writeAll(): Promise<void> {
    this.#file ??= await openNote(this.#place);
    while (this.#next !== null) {
      const bytes = encodeNote(this.#next);
      this.#next = null;
      await this.#file.write(bytes, 0);
    }
  }
}

async function openNote({ disk, directory }: JournalPlace): Promise<DiskFile> {
  const path = `${directory}/${journalNames.acknowledged}`;
  if ((await disk.stat(path)) !== null) return disk.open(path, { access: "write" });
  const file = await disk.open(path, { access: "create" });
  await disk.syncDirectory(directory);
  return file;
}

function encodeNote(checksum: string): Buffer {
  const bytes = Buffer.alloc(noteBytes);
  magic.copy(bytes);
  bytes.write(checksum, 8, "hex");
  bytes.write(hash("sha256", bytes.subarray(0, 24), "hex").slice(0, 32), 24, "hex");
  return bytes;
}
