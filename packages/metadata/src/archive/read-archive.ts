import type { ClusterId, DriveId } from "@kakera/kernel";
import type { JournalPlace } from "../journal/journal-folder.ts";
import { copiesOf } from "../journal/read-chain.ts";
import type { ViewPosition, WritableView } from "../ports/view.ts";
import { ArchiveDamage } from "./archive-damage.ts";
import { findArchive, positionOfGroup } from "./find-archive.ts";
import { restoreView } from "./restore-view.ts";
import { scanArchive, type ArchiveScan } from "./scan-archive.ts";

export interface ArchiveReading {
  /** What can be given back: the last batch that some drive has, with all that leads to it. null = nothing was archived. */
  readonly position: ViewPosition | null;
  /** What each drive bears witness of. */
  readonly witnesses: readonly DriveWitness[];
  /**
   * Makes the view what the log was at `position`, whatever it held. Only when there is one. Throws {@link ArchiveDamage} when
   * no copy of something that it needs is what was written.
   */
  restoreView(view: WritableView): Promise<void>;
}

/** The latest batch of the newest leader that a drive has seen, whether it holds what leads to it or not (correctness.md F15). */
export interface DriveWitness {
  readonly driveId: DriveId;
  readonly position: ViewPosition | null;
  /** What the drive said when it could not be read; else null. */
  readonly failure: unknown;
}

/**
 * Reads the archive from all drives that can be read, and leaves it alone. Throws {@link ArchiveDamage} when something that
 * was written is damaged or missing on all of them; with `accept: "what-is-proven"`, gives what is whole all the same.
 */
export async function readArchive(
  roots: readonly JournalPlace[],
  of: { readonly clusterId: ClusterId; readonly accept?: "everything-written" | "what-is-proven" },
): Promise<ArchiveReading> {
  const outcomes = await Promise.allSettled(roots.map((root) => scanArchive(root, of.clusterId)));
  const scans = outcomes.filter((outcome) => outcome.status === "fulfilled").map(({ value }) => value);
  const found = findArchive(scans);
  const { chain, position } = found;
  const damage = found.damage ?? (position === null ? nothingReadable(roots, outcomes) : null);
  if (damage !== null && of.accept !== "what-is-proven") throw damage;
  const copies = copiesOf(scans.map(({ groups }) => ({ batches: groups })));
  return {
    position,
    witnesses: roots.map(({ driveId }, index) =>
      witnessOf(driveId, outcomes[index] as PromiseSettledResult<ArchiveScan>),
    ),
    restoreView: async (view) => {
      if (chain === null || position === null) return view.clear();
      await restoreView(view, { chain, position, copies });
    },
  };
}

/** Where nothing was found, a drive or a file that cannot be read may be the one that has it. */
function nothingReadable(
  roots: readonly JournalPlace[],
  outcomes: readonly PromiseSettledResult<ArchiveScan>[],
): ArchiveDamage | null {
  for (const [index, outcome] of outcomes.entries()) {
    const { driveId, directory } = roots[index] as JournalPlace;
    if (outcome.status === "rejected")
      return new ArchiveDamage({ driveId, file: directory }, "the drive cannot be read", outcome.reason);
    const [bad] = outcome.value.badFiles;
    if (bad !== undefined) return new ArchiveDamage({ driveId, file: bad.path }, "a file cannot be read", bad.cause);
  }
  return null;
}

function witnessOf(driveId: DriveId, outcome: PromiseSettledResult<ArchiveScan>): DriveWitness {
  if (outcome.status === "rejected") return { driveId, position: null, failure: outcome.reason };
  const { groups, checkpoints } = outcome.value;
  const seen = [
    ...groups.map((group) => ({ epoch: group.term, position: positionOfGroup(group) })),
    ...checkpoints.map(({ epoch, until }) => ({ epoch, position: until })),
  ];
  let latest = seen[0];
  for (const one of seen) if (latest !== undefined && isLater(one, latest)) latest = one;
  return { driveId, position: latest?.position ?? null, failure: null };
}

interface Seen {
  readonly epoch: number;
  readonly position: ViewPosition;
}

function isLater(one: Seen, than: Seen): boolean {
  return one.epoch !== than.epoch ? one.epoch > than.epoch : one.position.sequence > than.position.sequence;
}
