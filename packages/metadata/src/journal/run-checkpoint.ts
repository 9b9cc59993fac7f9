import {
  ClusterFailure,
  DiskError,
  type Clock,
  type ClusterId,
  type DriveId,
  type Failpoints,
  type Logger,
} from "@kakera/kernel";
import type { LogMetrics } from "../metrics.ts";
import type { WritableView } from "../ports/view.ts";
import type { Member } from "./member.ts";
import type { CheckpointFile } from "./read-checkpoint.ts";
import type { JournalSettings } from "./settings.ts";
import { writeCheckpoint } from "./write-checkpoint.ts";

export interface CheckpointContext {
  readonly clusterId: ClusterId;
  readonly view: WritableView;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly failpoints: Failpoints;
  readonly metrics: LogMetrics;
  readonly settings: JournalSettings;
  readonly forgotten: readonly DriveId[];
}

/**
 * Writes a checkpoint to the live members; when it is durable on enough of them, each that has it gives up the journal
 * before its *previous* one, so that a checkpoint that turns out damaged has a predecessor with all that follows it.
 */
export async function runCheckpoint(
  context: CheckpointContext,
  to: { readonly members: readonly Member[]; readonly needed: number },
): Promise<void> {
  const { view, clock, logger, failpoints, metrics } = context;
  const position = view.position;
  const isDone = to.members.every((member) => member.checkpoints.at(-1)?.from.checksum === position?.checksum);
  if (position === null || position.sequence === 0 || isDone) return;
  const startedMs = clock.monotonicMs();
  for (const member of to.members) await makeRoom(member).catch((error: unknown) => member.fail(error));
  const first = await attempt(context, to.members);
  // The reserve is for this: what the checkpoint makes superfluous takes its place.
  for (const member of first.full) await member.folder.releaseSpares().catch((error: unknown) => member.fail(error));
  const second = await attempt(context, first.full);
  metrics.checkpointSeconds.observe((clock.monotonicMs() - startedMs) / 1000);
  const written = [...first.written, ...second.written];
  logger.log("info", "checkpoint.written", {
    sequence: position.sequence,
    copies: written.length,
    full: second.full.length,
  });
  if (written.length < to.needed) {
    const message = `the checkpoint is on ${written.length} of the ${to.needed} drives that it needs`;
    if (second.full.length > 0) throw new ClusterFailure("full", message, { reason: "LOG_SPACE" });
    throw new ClusterFailure("retry", message, { reason: "LOG_UNREACHABLE" });
  }
  failpoints.hit("journal.before-recycle");
  for (const member of written) await retire(member).catch((error: unknown) => member.fail(error));
}

/**
 * A checkpoint is due when the journal behind the last one is larger than it and than the least size; and on a drive without
 * room when another one would give something up, as it makes the last one the previous.
 */
export function isCheckpointDue(members: readonly Member[], settings: JournalSettings): boolean {
  let [journalBytes, lastCheckpointBytes] = [0, settings.checkpointBytesMin];
  for (const { condition, checkpoints, folder } of members) {
    if (condition !== "live") continue;
    const last = checkpoints.at(-1);
    if (folder.isSpaceShort && (last === undefined || folder.hasFilesUpTo(last.from.sequence))) return true;
    journalBytes = Math.max(journalBytes, folder.bytesAfter(last?.from.sequence ?? 0));
    lastCheckpointBytes = Math.max(lastCheckpointBytes, last?.sizeBytes ?? 0);
  }
  return journalBytes > lastCheckpointBytes;
}

/** Writes one checkpoint to those of `members` that are live. A full drive only goes without; any other error fails it. */
async function attempt(
  context: CheckpointContext,
  members: readonly Member[],
): Promise<{ written: readonly Member[]; full: Member[] }> {
  const live = members.filter((member) => member.condition === "live");
  if (live.length === 0) return { written: [], full: [] };
  const { checkpoint, written, failed } = await writeCheckpoint(
    { ...context, blockBytes: context.settings.checkpointBlockBytes },
    live,
  );
  for (const member of written)
    member.checkpoints = [...member.checkpoints.filter(({ name }) => name !== checkpoint.name), checkpoint];
  const full: Member[] = [];
  for (const { member, error } of failed) {
    context.logger.log("warn", "checkpoint.member.failed", { drive: member.place.driveId, error });
    if (error instanceof DiskError && error.code === "ENOSPC") full.push(member);
    else member.fail(error);
  }
  return { written, full };
}

/** Two checkpoints stay, and the journal behind the older of them. */
async function retire(member: Member): Promise<void> {
  const superfluous = member.checkpoints.slice(0, -2);
  member.checkpoints = member.checkpoints.slice(-2);
  for (const old of superfluous) await unlinkCheckpoint(member, old);
  const [previous] = member.checkpoints;
  if (previous !== undefined && member.checkpoints.length === 2) await member.folder.recycle(previous.from.sequence);
}

/** A drive that is nearly full gives its previous checkpoint for the new one: the newest, and copies elsewhere, remain. */
async function makeRoom(member: Member): Promise<void> {
  const [previous, newest] = [member.checkpoints.at(-2), member.checkpoints.at(-1)];
  if (previous === undefined || newest === undefined) return;
  const { freeBytes } = await member.place.disk.space();
  if (freeBytes >= 2 * newest.sizeBytes) return;
  await unlinkCheckpoint(member, previous);
  member.checkpoints = member.checkpoints.filter((checkpoint) => checkpoint !== previous);
}

async function unlinkCheckpoint(member: Member, checkpoint: CheckpointFile): Promise<void> {
  const { disk, directory } = member.place;
  await disk.unlink(`${directory}/${checkpoint.name}`);
  await disk.syncDirectory(directory);
}
