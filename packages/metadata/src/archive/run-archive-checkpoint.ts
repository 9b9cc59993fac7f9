import { assert, ClusterFailure, DiskError, type ClusterId, type Failpoints, type Logger } from "@kakera/kernel";
import { writeCheckpoint } from "../journal/write-checkpoint.ts";
import type { View, ViewPosition } from "../ports/view.ts";
import type { ArchiveMember } from "./archive-member.ts";
import type { ArchiveSettings } from "./archive-plan.ts";
import { hashOfLogName } from "./group-format.ts";
import { copiesThatCount, type CopiesRule } from "./publish-rule.ts";
import { locatedCheckpoint } from "./scan-archive.ts";

/** A view that stands at a position, such as a checkpoint is made of. */
export type ArchivedView = View & { readonly position: ViewPosition | null };

export interface ArchiveCheckpointContext {
  readonly clusterId: ClusterId;
  readonly epoch: number;
  readonly rule: CopiesRule;
  readonly settings: ArchiveSettings;
  readonly logger: Logger;
  readonly failpoints: Failpoints;
  /** Resolves when all batches up to this one were written to the drives that are up. */
  readonly whenWritten: (sequence: number) => Promise<void>;
}

/**
 * Copies the view to all members that are up, a block at a time while batches go on (write-checkpoint.ts). The view may hold
 * what the archive has not written yet: the files get their names only when it has. Resolves with the members that have it;
 * rejects with `retry` or `full` when they are too few.
 */
export async function runArchiveCheckpoint(
  context: ArchiveCheckpointContext,
  view: ArchivedView,
  members: readonly ArchiveMember[],
): Promise<readonly ArchiveMember[]> {
  const from = view.position;
  assert(from !== null, "a checkpoint is of a view that has a position");
  const up = members.filter((member) => member.isUp);
  const bytesBefore = new Map(up.map((member) => [member, member.bytesBehindBase]));
  const { checkpoint, written, failed } = await writeCheckpoint(
    {
      clusterId: context.clusterId,
      logName: from.logId,
      view: underHash(view),
      forgotten: [],
      blockBytes: context.settings.checkpointBlockBytes,
      failpoints: context.failpoints,
      whenDurable: async (until) => {
        // A view that stood still stands for itself.
        if (until.sequence !== from.sequence) await context.whenWritten(until.sequence);
      },
    },
    up,
  );
  for (const member of written) {
    const bytesBehind = member.bytesBehindBase - (bytesBefore.get(member) as number);
    member.addBase(locatedCheckpoint(member.place, context.epoch, checkpoint), bytesBehind);
  }
  let isFull = false;
  for (const { member, error } of failed) {
    context.logger.log("warn", "archive.checkpoint.member.failed", { drive: member.root.driveId, error });
    const isWithoutRoom = error instanceof DiskError && error.code === "ENOSPC";
    isFull ||= isWithoutRoom;
    // The next attempt has the room of the files that were kept ready.
    if (isWithoutRoom) await member.folder.releaseSpares().catch((problem: unknown) => member.fail(problem));
    else member.fail(error);
  }
  const copies = written.filter((member) => member.condition === "whole");
  context.logger.log("info", "archive.checkpoint.written", { sequence: from.sequence, copies: copies.length });
  const needed = copiesThatCount(members.filter((member) => member.isUp).length, context.rule);
  if (copies.length >= needed) return copies;
  const message = `the archive's checkpoint is on ${copies.length} of the ${needed} drives that it needs`;
  if (isFull) throw new ClusterFailure("full", message, { reason: "LOG_SPACE" });
  throw new ClusterFailure("retry", message);
}

/** Checkpoint files name a log by 16 bytes. */
function underHash(view: ArchivedView): Pick<View, "walk"> & { readonly position: ViewPosition | null } {
  return {
    walk: (from, to, visit) => view.walk(from, to, visit),
    get position() {
      const position = view.position;
      return position === null ? null : { ...position, logId: hashOfLogName(position.logId) };
    },
  };
}
