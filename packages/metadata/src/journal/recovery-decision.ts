import { assert, ClusterFailure, type ClusterId, type DriveId } from "@kakera/kernel";
import type { Base } from "./rules.ts";
import { chooseTail, copiesNeeded, drivesNeededToStart, genesis } from "./rules.ts";
import type { CheckpointFile } from "./read-checkpoint.ts";
import type { LocatedBatch, MemberScan } from "./scan-member.ts";

/** What a drive's identity file remembers of the log: the last batch acknowledged when it was written. */
export interface LogWitness {
  readonly logId: string;
  readonly term: number;
  readonly sequence: number;
  readonly checksum: string;
}

/** The drives that count. */
export interface Quorum {
  readonly driveCount: number;
  readonly copiesNeeded: number;
  readonly drivesNeededToStart: number;
}

export function quorumOf(drives: readonly DriveId[], forgotten: readonly DriveId[], tolerance: number): Quorum {
  const driveCount = drives.filter((id) => !forgotten.includes(id)).length;
  return {
    driveCount,
    copiesNeeded: copiesNeeded(driveCount, tolerance),
    drivesNeededToStart: drivesNeededToStart(driveCount, tolerance),
  };
}

/** The journal that the drives hold together. */
export interface FoundJournal {
  readonly logId: string;
  /** From the oldest batch that is still there to the tail. */
  readonly chain: readonly LocatedBatch[];
  /** Where a replay can begin, newest first. */
  readonly bases: readonly Base[];
}

/** What all these drives hold together; null when none of them ever held a journal. Throws `halt` when something acknowledged is missing. */
export function findJournal(scans: readonly MemberScan[], clusterId: ClusterId): FoundJournal | null {
  const batches = scans.flatMap((scan) => scan.batches);
  const checkpoints = scans.flatMap((scan) => scan.checkpoints);
  const logIds = new Set([...batches, ...checkpoints].map((found) => found.logId));
  if (logIds.size > 1)
    throw halt(`the drives of cluster ${clusterId} hold ${logIds.size} different journals: ${[...logIds].join(", ")}`);
  const [logId] = logIds;
  if (logId === undefined) return null;
  const tail = chooseTail(batches, [genesis, ...basesOf(checkpoints)]);
  if (tail.kind === "damaged") {
    throw halt(
      `journal batch ${tail.missingSequence} is damaged or missing on every drive that is present, though ${tail.after.sequence} comes after it: ` +
        "bring back the drives that are absent, or recover from the archive",
    );
  }
  assert(tail.kind === "tail", "a journal with an id has a batch");
  checkCheckpoints(checkpoints, tail.chain);
  return { logId, chain: tail.chain, bases: tail.bases };
}

/** The log must reach what a drive remembers of it: a log that does not was rolled back. */
export function checkWitnesses(journal: FoundJournal, witnesses: readonly LogWitness[]): void {
  const [first, last] = [journal.chain[0] as LocatedBatch, journal.chain.at(-1) as LocatedBatch];
  for (const witness of witnesses) {
    if (witness.logId !== journal.logId)
      throw halt(`a drive remembers another journal (${witness.logId}) than the drives hold (${journal.logId})`);
    const at = `batch ${witness.sequence} of term ${witness.term}`;
    if (witness.sequence > last.sequence)
      throw halt(
        `a drive remembers ${at}, but the journal ends at ${last.sequence}: it was rolled back, or its drives are absent`,
      );
    const batch = journal.chain[witness.sequence - first.sequence];
    if (batch !== undefined && batch.checksum !== witness.checksum)
      throw halt(`a drive remembers ${at}, and the journal holds another batch there`);
  }
}

function basesOf(checkpoints: readonly CheckpointFile[]): Base[] {
  return checkpoints.map(({ from }) => ({ sequence: from.sequence, checksum: from.checksum }));
}

function checkCheckpoints(checkpoints: readonly CheckpointFile[], chain: readonly LocatedBatch[]): void {
  const last = chain.at(-1) as LocatedBatch;
  for (const { name, until } of checkpoints) {
    if (until.sequence > last.sequence)
      throw halt(`${name} holds changes up to batch ${until.sequence}, but the journal ends at ${last.sequence}`);
  }
}

export function halt(message: string): ClusterFailure {
  return new ClusterFailure("halt", message, { reason: "LOG_UNREACHABLE" });
}
