import { hash } from "node:crypto";
import { DiskError, type Disk, type DiskFile } from "@kakera/kernel";
import type { JournalPlace } from "./journal-folder.ts";
import { journalNames } from "./journal-names.ts";

/**
 * What a drive was last told of acknowledgements: a batch that lies on as many drives as it needs. Written in place before
 * the batch's changes are answered, and synced at a clean end only: it outlives the process, it is true whenever it can be
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
  #latest = "";
  #writing: Promise<void> | null = null;
  /** Begins when the one being written ends; takes the latest then. */
  #following: Promise<void> | null = null;

  constructor(place: JournalPlace) {
    this.#place = place;
  }

  /** Resolves when this note, or a later one, survives the process. Rejects with what the drive said. */
  write(checksum: string): Promise<void> {
    this.#latest = checksum;
    if (this.#following !== null) return this.#following;
    if (this.#writing === null) return this.#begin();
    this.#following = this.#writing
      .catch(() => {})
      .then(() => {
        this.#following = null;
        return this.#begin();
      });
    return this.#following;
  }

  /** What was written is durable when it resolves. */
  async close(): Promise<void> {
    await (this.#following ?? this.#writing)?.catch(() => {});
    const file = this.#file;
    this.#file = null;
    try {
      await file?.fdatasync();
    } finally {
      await file?.close();
    }
  }

  #begin(): Promise<void> {
    const writing = this.#writeLatest().finally(() => (this.#writing = null));
    this.#writing = writing;
    return writing;
  }

  async #writeLatest(): Promise<void> {
    this.#file ??= await openNote(this.#place);
    await this.#file.write(encodeNote(this.#latest), 0);
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
