import { DiskError, type Clock, type ClusterId, type DriveId, type Failpoints, type Logger } from "@kakera/kernel";
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
  for (const member of to.members) await makeRoom(member);
  const outcome = await writeCheckpoint({ ...context, blockBytes: context.settings.checkpointBlockBytes }, to.members);
  for (const { member, error } of outcome.failed) await dropOut(member, error, logger);
  metrics.checkpointSeconds.observe((clock.monotonicMs() - startedMs) / 1000);
  const { checkpoint, written } = outcome;
  logger.log("info", "checkpoint.written", {
    sequence: checkpoint.from.sequence,
    entries: checkpoint.entryCount,
    bytes: checkpoint.sizeBytes,
    copies: written.length,
  });
  if (written.length < to.needed) return;
  failpoints.hit("journal.before-recycle");
  for (const member of written) {
    try {
      await retire(member, checkpoint);
    } catch (error) {
      member.fail(error);
    }
  }
}

async function retire(member: Member, checkpoint: CheckpointFile): Promise<void> {
  const kept = [...member.checkpoints.filter((known) => known.name !== checkpoint.name), checkpoint];
  for (const old of kept.splice(0, Math.max(0, kept.length - 2))) await unlinkCheckpoint(member, old);
  member.checkpoints = kept;
  const previous = kept.length > 1 ? kept[0] : undefined;
  if (previous !== undefined) await member.folder.recycle(previous.from.sequence);
}

/** A drive that is nearly full gives its previous checkpoint for the new one: the newest, and copies elsewhere, remain. */
async function makeRoom(member: Member): Promise<void> {
  const [previous, newest] = [member.checkpoints.at(-2), member.checkpoints.at(-1)];
  if (previous === undefined || newest === undefined) return;
  const { disk } = member.place;
  const wantedBytes = newest.sizeBytes * 2;
  if ((await disk.space()).freeBytes >= wantedBytes) return;
  await unlinkCheckpoint(member, previous);
  member.checkpoints = member.checkpoints.filter((checkpoint) => checkpoint !== previous);
}

async function unlinkCheckpoint(member: Member, checkpoint: CheckpointFile): Promise<void> {
  const { disk, directory } = member.place;
  await disk.unlink(`${directory}/${checkpoint.name}`);
  await disk.syncDirectory(directory);
}

/** A full drive only goes without this checkpoint; any other error fails it. */
async function dropOut(member: Member, error: unknown, logger: Logger): Promise<void> {
  logger.log("warn", "checkpoint.member.failed", { drive: member.place.driveId, error });
  if (!(error instanceof DiskError && error.code === "ENOSPC")) member.fail(error);
}
