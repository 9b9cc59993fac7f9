import { DiskError, type Disk } from "@kakera/kernel";
import { readAcknowledgedNote } from "./acknowledged-note.ts";
import type { BatchHeader } from "./batch-format.ts";
import type { JournalFile, JournalPlace } from "./journal-folder.ts";
import { journalNames, parseJournalName } from "./journal-names.ts";
import { readPromise } from "./promise-file.ts";
import { readBatches } from "./read-batches.ts";
import { describeCheckpoint, type CheckpointFile } from "./read-checkpoint.ts";

/** A batch and where it is. */
export interface LocatedBatch extends BatchHeader {
  readonly bytes: number;
  readonly place: JournalPlace;
  readonly fileNumber: number;
  readonly positionBytes: number;
}

/** All that a drive's journal folder holds. */
export interface MemberScan {
  readonly place: JournalPlace;
  readonly promisedTerm: number;
  /** Checksum of a batch that is known to be acknowledged; null when the drive has no note of one. */
  readonly acknowledged: string | null;
  /** It never held the whole journal: empty, or its first filling was not finished. */
  readonly isNewcomer: boolean;
  readonly batches: readonly LocatedBatch[];
  readonly checkpoints: readonly CheckpointFile[];
  readonly files: JournalFile[];
  readonly spares: { number: number; sizeBytes: number }[];
  readonly nextNumber: number;
}

/**
 * Reads a drive's journal from end to end, having removed what an earlier process left unfinished: only while nothing else
 * works on it. Every batch is verified. Rejects with what the drive said.
 */
export async function openAndScanMember(place: JournalPlace, clusterId: string): Promise<MemberScan> {
  const { disk, directory } = place;
  await makeFolder(place);
  for (const name of await disk.list(directory)) {
    if (name.endsWith(journalNames.unfinished(""))) await unlinkIfThere(disk, `${directory}/${name}`);
  }
  return scanMember(place, clusterId);
}

async function unlinkIfThere(disk: Disk, path: string): Promise<void> {
  try {
    await disk.unlink(path);
  } catch (error) {
    if (!(error instanceof DiskError && error.code === "ENOENT")) throw error;
  }
}

/** More numbers than a folder ever gives out at once: a late call of an earlier life may be using the next ones. */
const numbersLeftOut = 1000;

/** Reads all that is there, and leaves it alone: batches may be written meanwhile. */
export async function scanMember(place: JournalPlace, clusterId: string): Promise<MemberScan> {
  const { disk, directory } = place;
  const batches: LocatedBatch[] = [];
  const checkpoints: CheckpointFile[] = [];
  const files: JournalFile[] = [];
  const spares: { number: number; sizeBytes: number }[] = [];
  let highestNumber = 0;
  for (const name of await disk.list(directory)) {
    const parsed = parseJournalName(name);
    if (parsed === null) continue;
    if (parsed.kind === "checkpoint") {
      const checkpoint = await describeCheckpoint(disk, directory, { name, clusterId });
      if (checkpoint !== null) checkpoints.push(checkpoint);
      continue;
    }
    highestNumber = Math.max(highestNumber, parsed.number);
    const sizeBytes = (await disk.stat(`${directory}/${name}`))?.sizeBytes ?? 0;
    if (parsed.kind === "spare") spares.push({ number: parsed.number, sizeBytes });
    else files.push(await scanFile(place, { clusterId, number: parsed.number, sizeBytes }, batches));
  }
  const promisedTerm = await readPromise(disk, directory, clusterId);
  const acknowledged = await readAcknowledgedNote(disk, directory);
  const isFilling = (await disk.stat(`${directory}/${journalNames.filling}`)) !== null;
  const isNewcomer = isFilling || (batches.length === 0 && checkpoints.length === 0);
  // A write to the file that an earlier life filled last may have passed its deadline and land yet.
  const last = files.at(-1);
  if (last !== undefined) last.mayRecycle = false;
  const nextNumber = highestNumber + numbersLeftOut;
  return { place, promisedTerm, acknowledged, isNewcomer, batches, checkpoints, files, spares, nextNumber };
}

/** The batches of some of a drive's files. */
export async function scanFiles(
  place: JournalPlace,
  clusterId: string,
  numbers: readonly number[],
): Promise<LocatedBatch[]> {
  const batches: LocatedBatch[] = [];
  for (const number of numbers) await scanFile(place, { clusterId, number, sizeBytes: 0 }, batches);
  return batches;
}

async function scanFile(
  place: JournalPlace,
  file: { clusterId: string; number: number; sizeBytes: number },
  into: LocatedBatch[],
): Promise<JournalFile> {
  let lastSequence = 0;
  const path = `${place.directory}/${journalNames.batches(file.number)}`;
  const identity = { clusterId: file.clusterId, logId: null };
  let last = into.at(-1);
  for await (const { header, positionBytes, sizeBytes } of readBatches(place.disk, path, identity)) {
    const batch: LocatedBatch = {
      ...shared(header, last),
      bytes: sizeBytes,
      place,
      fileNumber: file.number,
      positionBytes,
    };
    into.push(batch);
    last = batch;
    lastSequence = Math.max(lastSequence, header.sequence);
  }
  return { number: file.number, sizeBytes: file.sizeBytes, lastSequence, mayRecycle: true };
}

/** The header with the strings of the one before where they are equal: a long journal is a hundred thousand batches. */
function shared(header: BatchHeader, last: BatchHeader | undefined): BatchHeader {
  if (last === undefined) return header;
  return {
    ...header,
    clusterId: header.clusterId === last.clusterId ? last.clusterId : header.clusterId,
    logId: header.logId === last.logId ? last.logId : header.logId,
    before: header.before === last.checksum ? last.checksum : header.before,
  };
}

/** Names of an earlier process may not be durable yet: the folder is synced before anything is built on them. */
async function makeFolder({ disk, directory }: JournalPlace): Promise<void> {
  await disk.makeDirectory(directory);
  const components = directory.split("/");
  for (let depth = components.length; depth >= 0; depth--) {
    await disk.syncDirectory(components.slice(0, depth).join("/") || ".");
  }
}
