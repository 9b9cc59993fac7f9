import { ClusterFailure, type DriveId, type Logger } from "@kakera/kernel";
import type { JournalPlace } from "../journal/journal-folder.ts";
import { copiesOf } from "../journal/read-chain.ts";
import type { ViewPosition } from "../ports/view.ts";
import type { ArchiveMember } from "./archive-member.ts";
import { epochPlace } from "./archive-names.ts";
import type { ArchivePlan } from "./archive-plan.ts";
import { holds } from "./choose-chain.ts";
import { findArchive, pointOf, type FoundArchive } from "./find-archive.ts";
import { DeposedFailure, openArchiveMember, type MemberContext } from "./open-member.ts";
import { refillArchive } from "./refill-archive.ts";
import { scanArchive, type ArchiveScan } from "./scan-archive.ts";

export interface TakenOver {
  readonly members: ArchiveMember[];
  /** Drives that could not be opened, and what they said. */
  readonly unreachable: ReadonlyMap<DriveId, unknown>;
  /** Where the archive goes on; null: it begins with a checkpoint. */
  readonly position: ViewPosition | null;
}

interface Opened {
  readonly member: ArchiveMember;
  readonly scan: ArchiveScan;
}

/**
 * Begins a leader's work on all drives that can be reached, and makes each whole that has a checkpoint for what they hold
 * together. Rejects with ClusterFailure `retry` where a newer leader was already, `halt` when it is another log's archive.
 */
export async function takeOver(plan: ArchivePlan, context: MemberContext & { logger: Logger }): Promise<TakenOver> {
  const opening = plan.places.map((place) => openArchiveMember(place, context));
  const outcomes = await Promise.allSettled(opening);
  const opened = outcomes.filter((outcome) => outcome.status === "fulfilled").map(({ value }) => value);
  const unreachable = new Map<DriveId, unknown>();
  try {
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === "fulfilled") continue;
      if (outcome.reason instanceof DeposedFailure) throw outcome.reason;
      const { driveId } = plan.places[index] as JournalPlace;
      unreachable.set(driveId, outcome.reason);
      context.logger.log("error", "archive.member.failed", { drive: driveId, error: outcome.reason });
    }
    for (const one of opened) checkEpochIsFresh(one.scan, plan.epoch);
    const position = plan.start === "anew" ? null : await continueArchive(plan, opened, context.logger);
    return { members: opened.map(({ member }) => member), unreachable, position };
  } catch (error) {
    for (const { member } of opened) await member.close();
    throw error;
  }
}

/**
 * Makes a drive that joins later whole, as far as it has a checkpoint: from what it and `others` hold, when that reaches
 * `position`. Can be called again for what came meanwhile. Rejects with what the drive said.
 */
export async function refillFrom(
  others: readonly ArchiveMember[],
  member: ArchiveMember,
  to: { readonly position: ViewPosition; readonly context: MemberContext },
): Promise<void> {
  const { clusterId } = to.context;
  const scan = await scanArchive(member.root, clusterId);
  const scans = [scan];
  for (const { root } of others) scans.push(await scanArchive(root, clusterId));
  const found = findArchive(scans);
  if (found.damage === null && found.chain !== null && holds(found.chain, pointOf(to.position)))
    await refill({ member, scan }, found, scans);
  if (!member.isUp) throw member.failure as Error;
}

function checkEpochIsFresh({ root, groups, checkpoints }: ArchiveScan, epoch: number): void {
  const own = epochPlace(root, epoch).directory;
  if ([...groups, ...checkpoints].some(({ place }) => place.directory === own))
    throw new ClusterFailure("halt", `epoch ${epoch} of the archive was used before: each leader needs one of its own`);
}

async function continueArchive(
  plan: ArchivePlan,
  opened: readonly Opened[],
  logger: Logger,
): Promise<ViewPosition | null> {
  const scans = opened.map(({ scan }) => scan);
  const found = findArchive(scans);
  if (found.damage !== null) {
    // What is left stays where it is for a recovery; the log itself is there, so the archive begins anew.
    logger.log("error", "archive.damaged", { error: found.damage });
    return null;
  }
  if (found.position === null) return null;
  if (found.position.logId !== plan.logId)
    throw new ClusterFailure("halt", `the drives hold the archive of ${found.position.logId}, not of ${plan.logId}`);
  await Promise.all(opened.map((one) => refill(one, found, scans)));
  return found.position;
}

async function refill({ member, scan }: Opened, found: FoundArchive, scans: readonly ArchiveScan[]): Promise<void> {
  const { chain, position } = found;
  if (chain === null || position === null) return;
  const copies = copiesOf(scans.map(({ groups }) => ({ batches: groups })));
  await refillArchive(member, scan, { chain, position, copies }).catch((error: unknown) => member.fail(error));
}
