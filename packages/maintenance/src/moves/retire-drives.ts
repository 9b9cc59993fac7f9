import type { DriveId } from "@kakera/kernel";
import { retireDrive } from "@kakera/metadata";
import { allGroups } from "../census/all-groups.ts";
import { answeringDrive, authorOf } from "../maintenance-parts.ts";
import { removeOrphans } from "../orphans/remove-orphans.ts";
import type { MoveParts } from "./move-group.ts";
import { drivesOfGroup } from "./group-holdings.ts";

/** A drive that is left with more has them looked at in several turns. */
const leftoversMax = 512;

/**
 * Drives that leave are GONE when no group names them, every write that may have taken them for a substitute is decided, and they hold
 * nothing. What is left on one until then is cleared up: by its repair row, or as an orphan.
 */
export class Retirement {
  /** By drive and revision of its record: of the writes that were under way when no group named the drive any more. */
  readonly #marks = new Map<string, number>();

  /** Returns how many drives still leave. */
  async look(parts: MoveParts): Promise<number> {
    const named = new Set(
      allGroups(parts).flatMap(({ pool, group }) => {
        const record = parts.map.group(pool.pool, group);
        return record === null ? [] : drivesOfGroup(record);
      }),
    );
    let leavingCount = 0;
    for (const { driveId, isLeaving, revision } of parts.map.drives()) {
      if (!isLeaving) continue;
      // Who led meanwhile may have seen it stay, and leave again.
      const name = `${driveId}@${revision}`;
      if (named.has(driveId)) this.#marks.delete(name);
      else if (await this.#retire(parts, driveId, name)) continue;
      leavingCount++;
    }
    return leavingCount;
  }

  async #retire(parts: MoveParts, driveId: DriveId, name: string): Promise<boolean> {
    const mark = this.#marks.get(name) ?? parts.writes.set();
    this.#marks.set(name, mark);
    const drive = answeringDrive(parts, driveId);
    if (drive === null || !parts.writes.isPassed(mark)) return false;
    const left = await drive.inventory({ group: null, after: null, limit: leftoversMax });
    if (left.length > 0) {
      await removeOrphans(
        parts,
        left.map(({ identity }) => ({ driveId, identity })),
      );
      for (const { identity } of left) {
        const { dataId, chunkIndex, group, shardIndex, ownerBucketId, ownerKey } = identity;
        const owner = { bucketId: ownerBucketId, objectKey: Buffer.from(ownerKey) };
        parts.backlog.add({ dataId, chunkIndex, group, owner, spareShards: 1, strays: [{ shardIndex, driveId }] });
      }
      return false;
    }
    parts.failpoints.hit("move.before-gone");
    const change = retireDrive(authorOf(parts), parts.log.view, { driveId, nowMs: parts.clock.nowMs() });
    if (change === null) return false;
    const result = await parts.log.commit(change);
    if (result.outcome !== "committed") return false;
    parts.logger.log("info", "drive.gone", { driveId });
    return true;
  }
}
