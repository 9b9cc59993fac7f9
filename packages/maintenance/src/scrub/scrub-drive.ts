import { ClusterFailure, SECOND_MS, type DriveId } from "@kakera/kernel";
import type { ShardDescription } from "@kakera/rpc";
import { answeringDrive, type MaintenanceParts } from "../maintenance-parts.ts";
import { Pacer } from "../pacer.ts";
import type { ScrubPosition } from "../ports/scrub-positions.ts";
import type { RepairBacklog } from "../repair/repair-backlog.ts";
import { verifyShard } from "./verify-shard.ts";

export interface ScrubParts extends MaintenanceParts {
  readonly backlog: RepairBacklog;
}

export interface ScrubRule {
  /** Every shard is read once in so long. */
  readonly intervalMs: number;
  /** Not slower than this, so that a small drive is soon done; not faster, so that clients do not feel it. */
  readonly bytesPerSecondMin: number;
  readonly bytesPerSecondMax: number;
}

/** A position is written down after so many shards, and one page of the inventory is looked at in between. */
const shardsPerPage = 64;

/**
 * Goes on with a drive's scrub: reads and verifies every shard, at the pace at which a pass takes the interval; what is
 * damaged goes to the backlog. Resolves when the pass has ended, or the next is not due yet (then without having read anything).
 * Returns when the last pass ended; null: none did.
 */
export async function scrubDrive(
  parts: ScrubParts,
  driveId: DriveId,
  rule: ScrubRule,
  signal: AbortSignal,
): Promise<number | null> {
  const known = await parts.positions.load(driveId);
  const nowMs = parts.clock.nowMs();
  if (known?.endedMs != null && known.after === null && nowMs - known.startedMs < rule.intervalMs) return known.endedMs;
  let position: ScrubPosition =
    known?.after != null ? known : { after: null, startedMs: nowMs, endedMs: known?.endedMs ?? null };
  const pacer = new Pacer(parts.clock, paceOf(parts, driveId, rule));
  for (;;) {
    const drive = answeringDrive(parts, driveId);
    if (drive === null) return position.endedMs;
    const page = await drive.inventory({ group: null, after: position.after, limit: shardsPerPage });
    for (const description of page) {
      signal.throwIfAborted();
      await scrubShard(parts, driveId, { description, pace: (bytes) => pacer.take(bytes, signal) });
    }
    const last = page.at(-1);
    if (last === undefined || page.length < shardsPerPage) break;
    position = { ...position, after: last.identity };
    await parts.positions.save(driveId, position);
  }
  const endedMs = parts.clock.nowMs();
  await parts.positions.save(driveId, { after: null, startedMs: position.startedMs, endedMs });
  parts.logger.log("info", "scrub.pass-ended", { driveId });
  return endedMs;
}

async function scrubShard(
  parts: ScrubParts,
  driveId: DriveId,
  { description, pace }: { readonly description: ShardDescription; readonly pace: (bytes: number) => Promise<void> },
): Promise<void> {
  const drive = answeringDrive(parts, driveId);
  if (drive === null) throw new ClusterFailure("retry", "the drive went away", { reason: "DRIVE_OFFLINE" });
  const { group, dataId, chunkIndex, shardIndex } = description.identity;
  const ref = { group, dataId, chunkIndex, shardIndex };
  const verdict = await verifyShard(parts, { drive, ref, pace });
  parts.metrics.scrubBytes.add(description.shardSizeBytes);
  // One that is missing by now was deleted.
  if (verdict === "damaged") parts.backlog.report({ ref, driveId, why: "damaged" });
}

/** So fast that all that the drive holds is read within the interval. */
function paceOf(parts: ScrubParts, driveId: DriveId, rule: ScrubRule): number {
  const status = parts.drives.get(driveId)?.status();
  const heldBytes = status === undefined ? 0 : status.totalBytes - status.freeBytes;
  const neededBytesPerSecond = heldBytes / (rule.intervalMs / SECOND_MS);
  return Math.min(rule.bytesPerSecondMax, Math.max(rule.bytesPerSecondMin, neededBytesPerSecond));
}
