import { MINUTE_MS, type DriveId, type NodeId } from "@kakera/kernel";
import type { NodeRecord } from "@kakera/metadata";

/** Longer than a node that died is named beside the one that took its drives over. */
const patienceMs = MINUTE_MS;

/** Where a drive is reached. */
export interface LocatedDrive {
  readonly nodeId: NodeId;
  readonly address: string;
}

/**
 * Which node has which drive. A drive that two name is where it was opened last: the other one died a moment ago, and its record did not
 * yet. Where both go on naming it, one is a copy of the other, and it is nobody's (correctness.md F24).
 */
export class DriveLocator {
  /** Since when a drive is named by two. */
  #doubledMs = new Map<DriveId, number>();

  /** `doubled`: drives that are copies of themselves. */
  locate(
    nodes: Iterable<NodeRecord>,
    nowMs: number,
  ): { readonly drives: ReadonlyMap<DriveId, LocatedDrive>; readonly doubled: readonly DriveId[] } {
    const found = new Map<DriveId, LocatedDrive & { readonly incarnation: number }>();
    const doubledMs = new Map<DriveId, number>();
    for (const { nodeId, address, drives } of nodes) {
      for (const { driveId, incarnation } of drives) {
        const other = found.get(driveId);
        if (other !== undefined) doubledMs.set(driveId, this.#doubledMs.get(driveId) ?? nowMs);
        if (other === undefined || incarnation > other.incarnation)
          found.set(driveId, { nodeId, address, incarnation });
      }
    }
    this.#doubledMs = doubledMs;
    const doubled = [...doubledMs].flatMap(([driveId, sinceMs]) => (nowMs - sinceMs > patienceMs ? [driveId] : []));
    for (const driveId of doubled) found.delete(driveId);
    return { drives: found, doubled };
  }
}
