import { DiskError, type ClusterId } from "@kakera/kernel";
import { payloadOf } from "../journal/batch-format.ts";
import type { JournalPlace } from "../journal/journal-folder.ts";
import { journalNames, parseJournalName } from "../journal/journal-names.ts";
import { readBatches } from "../journal/read-batches.ts";
import { describeCheckpoint, type CheckpointFile } from "../journal/read-checkpoint.ts";
import type { LocatedBatch } from "../journal/scan-member.ts";
import type { ViewPosition } from "../ports/view.ts";
import { epochPlace } from "./archive-names.ts";
import { describeGroup, type DescribedGroup } from "./group-format.ts";
import { listEpochs } from "./list-epochs.ts";

/** A group and where it is. */
export type LocatedGroup = LocatedBatch & DescribedGroup;

export interface LocatedCheckpoint {
  readonly place: JournalPlace;
  readonly epoch: number;
  readonly checkpoint: CheckpointFile;
  /** Positions in the archived log, under its own name. */
  readonly from: ViewPosition;
  readonly until: ViewPosition;
}

export function locatedCheckpoint(place: JournalPlace, epoch: number, checkpoint: CheckpointFile): LocatedCheckpoint {
  const logId = checkpoint.logName;
  return { place, epoch, checkpoint, from: { ...checkpoint.from, logId }, until: { ...checkpoint.until, logId } };
}

/** A file that is there and cannot be read as what its name says. */
interface BadFile {
  readonly path: string;
  readonly epoch: number;
  readonly kind: "batches" | "checkpoint";
  /** Of a checkpoint: where it begins, by its name. */
  readonly sequence: number;
  readonly cause: unknown;
}

/** All that one drive holds of the archive, of every leader. */
export interface ArchiveScan {
  /** The archive's folder. */
  readonly root: JournalPlace;
  /** Newest first. */
  readonly epochs: readonly number[];
  readonly groups: readonly LocatedGroup[];
  readonly checkpoints: readonly LocatedCheckpoint[];
  readonly badFiles: readonly BadFile[];
}

/** Reads a drive's archive from end to end, every group verified, and leaves it alone: leaders may be writing. */
export async function scanArchive(root: JournalPlace, clusterId: ClusterId): Promise<ArchiveScan> {
  const epochs = await listEpochs(root);
  const scan = { root, epochs, groups: [], checkpoints: [], badFiles: [] };
  for (const epoch of epochs) await scanEpoch(epochPlace(root, epoch), { clusterId, epoch, into: scan });
  return scan;
}

interface Finds {
  readonly groups: LocatedGroup[];
  readonly checkpoints: LocatedCheckpoint[];
  readonly badFiles: BadFile[];
}

async function scanEpoch(
  place: JournalPlace,
  of: { readonly clusterId: ClusterId; readonly epoch: number; readonly into: Finds },
): Promise<void> {
  const { clusterId, epoch, into } = of;
  const { disk, directory } = place;
  for (const name of await disk.list(directory)) {
    const parsed = parseJournalName(name);
    if (parsed === null || parsed.kind === "spare") continue;
    const bad = { path: `${directory}/${name}`, epoch, kind: parsed.kind, sequence: parsed.number };
    try {
      if (parsed.kind === "batches") {
        await findGroups({ place, number: parsed.number, clusterId }, into.groups);
        continue;
      }
      const checkpoint = await describeCheckpoint(disk, directory, { name, clusterId });
      if (checkpoint === null) into.badFiles.push({ ...bad, cause: null });
      else into.checkpoints.push(locatedCheckpoint(place, epoch, checkpoint));
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      // Its leader has given it up meanwhile.
      if (error.code !== "ENOENT") into.badFiles.push({ ...bad, cause: error });
    }
  }
}

/** Adds the groups of one file, in order of place; those found before an error, too. */
export async function findGroups(
  file: { readonly place: JournalPlace; readonly number: number; readonly clusterId: ClusterId },
  into: LocatedGroup[],
): Promise<void> {
  const { place, number, clusterId } = file;
  const path = `${place.directory}/${journalNames.batches(number)}`;
  for await (const found of readBatches(place.disk, path, { clusterId, logId: null })) {
    const { header, positionBytes, sizeBytes } = found;
    if (header.kind !== "archived") continue;
    const group = describeGroup(payloadOf(found.bytes, header), header);
    into.push({ ...header, ...group, bytes: sizeBytes, place, fileNumber: number, positionBytes });
  }
}
