import { journalNames } from "../journal/journal-names.ts";
import type { ViewPosition } from "../ports/view.ts";
import { ArchiveDamage } from "./archive-damage.ts";
import { chooseChain, type ArchiveBase, type Chain } from "./choose-chain.ts";
import type { LogPoint } from "./lineage.ts";
import type { ArchiveScan, LocatedCheckpoint, LocatedGroup } from "./scan-archive.ts";

/** A checkpoint as a base of chains, and where it is. */
interface LocatedBase extends ArchiveBase {
  readonly located: LocatedCheckpoint;
}

export type ArchiveChain = Chain<LocatedGroup, LocatedBase>;

/** The archive that some drives hold together. */
export interface FoundArchive {
  readonly chain: ArchiveChain | null;
  /** The chain's end; null with the chain. */
  readonly position: ViewPosition | null;
  /** Something is missing that was there once; what the chain has is right all the same. */
  readonly damage: ArchiveDamage | null;
}

export function findArchive(scans: readonly ArchiveScan[]): FoundArchive {
  const groups = scans.flatMap((scan) => scan.groups);
  const bases = scans.flatMap((scan) => scan.checkpoints).map(baseOf);
  const { chain, broken } = chooseChain(groups, bases);
  const position = chain === null ? null : endOf(chain);
  return { chain, position, damage: brokenChain(broken) ?? lostCheckpoint(scans, chain) };
}

/** Position of the group's last batch. */
export function positionOfGroup(group: LocatedGroup): ViewPosition {
  const { logName, logTerm, revision, sequence, ids } = group;
  return { logId: logName, revision, term: logTerm, sequence, checksum: ids.toString("hex", ids.byteLength - 16) };
}

function endOf({ links, bases, end }: ArchiveChain): ViewPosition {
  const last = links.at(-1);
  // A chain ends with a whole group, or with a checkpoint that nothing follows.
  if (last !== undefined && last.group.sequence === end.sequence) return positionOfGroup(last.group);
  return (bases.find(({ from }) => from.sequence === end.sequence) as LocatedBase).located.from;
}

function baseOf(located: LocatedCheckpoint): LocatedBase {
  return { located, epoch: located.epoch, from: pointOf(located.from), until: pointOf(located.until) };
}

export function pointOf({ sequence, checksum }: ViewPosition): LogPoint {
  return { sequence, id: checksum };
}

function brokenChain(
  broken: ReturnType<typeof chooseChain<LocatedGroup, LocatedBase>>["broken"],
): ArchiveDamage | null {
  if (broken === null) return null;
  const { place, fileNumber, sequence } = broken.group;
  const where = { driveId: place.driveId, file: `${place.directory}/${journalNames.batches(fileNumber)}` };
  const message = `batch ${broken.missingSequence} of the archived log, or a checkpoint behind it, is damaged or missing on every drive that can be read, though ${sequence} is there`;
  return new ArchiveDamage(where, message);
}

/** A checkpoint gets its name when it is whole: one that is none, and begins beyond the chain, was lost. */
function lostCheckpoint(scans: readonly ArchiveScan[], chain: ArchiveChain | null): ArchiveDamage | null {
  for (const { root, badFiles } of scans) {
    const lost = badFiles.find(
      ({ kind, epoch, sequence }) =>
        kind === "checkpoint" && epoch >= (chain?.epoch ?? 0) && sequence > (chain?.end.sequence ?? 0),
    );
    if (lost === undefined) continue;
    const where = { driveId: root.driveId, file: lost.path };
    return new ArchiveDamage(where, `a checkpoint at batch ${lost.sequence} is damaged`, lost.cause);
  }
  return null;
}
