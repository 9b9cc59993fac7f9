import type { DriveId } from "@kakera/kernel";
import { endMove, keys, type Group } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { CensusGroup } from "../census/collect-chunks.ts";
import { takeCensus } from "../census/take-census.ts";
import { authorOf } from "../maintenance-parts.ts";
import type { MovePass, MoveParts } from "./move-group.ts";

/** A group all of whose reachable former homes hold nothing any more, while another is lost. */
interface Bereft {
  readonly group: CensusGroup;
  readonly record: Group;
  /** Of the writes that were under way when that was first so. */
  readonly mark: number;
}

/**
 * Lets former homes go. Where all of them were sealed and hold nothing, at once. Where one is lost, its shards are what its siblings can
 * be asked for only as long as it may be back: so the list goes when every write that may have left something there alone is decided, and
 * a count at a barrier after that finds every chunk whole at its homes (correctness.md R6).
 */
export class MoveEnds {
  readonly #bereft = new Map<string, Bereft>();

  /** After a pass. Whether the group's move has ended. */
  async afterPass(
    parts: MoveParts,
    of: { readonly group: CensusGroup; readonly record: Group; readonly revision: number },
    pass: MovePass,
  ): Promise<boolean> {
    const name = `${of.group.pool.pool}/${of.group.group}@${of.record.epoch}`;
    if (pass.leftCount > 0 || !pass.unsealed.every((driveId) => isLost(parts, driveId))) {
      this.#bereft.delete(name);
      return false;
    }
    if (pass.unsealed.length === 0) {
      this.#bereft.delete(name);
      return end(parts, of.group, of.revision);
    }
    if (!this.#bereft.has(name)) this.#bereft.set(name, { ...of, mark: parts.writes.set() });
    return false;
  }

  /** Counts the groups that have waited for long enough. Returns how many moves have ended. */
  async heal(parts: MoveParts): Promise<number> {
    const ready = [...this.#bereft].filter(([, { mark }]) => parts.writes.isPassed(mark));
    if (ready.length === 0) return 0;
    const covered = new Set(ready.map(([, { record }]) => record));
    const { groupsInOrder } = await takeCensus(parts, { covers: (_group, record) => covered.has(record) });
    let endedCount = 0;
    for (const group of groupsInOrder) {
      const row = parts.log.view.get(keys.group(group.pool.pool, group.group));
      const record = parts.map.group(group.pool.pool, group.group);
      if (row === null || record === null || !covered.has(record)) continue;
      if (await end(parts, group, row.revision)) endedCount++;
    }
    for (const [name] of ready) this.#bereft.delete(name);
    return endedCount;
  }
}

/** Away, and the log says so: what has only just gone is waited for. */
function isLost(parts: MoveParts, driveId: DriveId): boolean {
  return (parts.map.drive(driveId)?.standing ?? "GONE") !== "MEMBER";
}

async function end(parts: MoveParts, { pool, group }: CensusGroup, revision: number): Promise<boolean> {
  const row = parts.log.view.get(keys.group(pool.pool, group));
  if (row === null || row.revision !== revision) return false;
  parts.failpoints.hit("move.before-end");
  const seen = { record: records.GroupRecord.decode(row.value), revision };
  const result = await parts.log.commit(endMove(authorOf(parts), { pool: pool.pool, group }, seen));
  return result.outcome === "committed";
}
