import { idFromBytes, type DriveId } from "@kakera/kernel";
import { readClusterMap, readRepair, type ClusterMap, type View } from "@kakera/metadata";
import type { RepairRecordInput } from "@kakera/protocol";
import type { NamedBody } from "./named-bodies.ts";
import type { Receipts } from "./receipts.ts";

/**
 * Shards of a body that a reader finds: at their homes, at former homes as long as the group has a list of these, and where the body's repair
 * row says (correctness.md F6, F20). What lies elsewhere is as good as lost. `counts`: whether a drive is looked at.
 */
export function findableShards(
  { dataId, geometry: { k, m }, pool, group }: NamedBody,
  at: {
    readonly map: ClusterMap;
    readonly repair: RepairRecordInput | null;
    readonly receipts: Receipts;
    readonly counts: (driveId: DriveId) => boolean;
  },
): number[] {
  const { map, repair, receipts, counts } = at;
  const record = map.group(pool, group);
  const lists = record === null ? [] : [record.homes, ...record.previous];
  const substitutes = repair?.chunks?.flatMap((chunk) => chunk.substitutes ?? []) ?? [];
  const isFound = (shardIndex: number): boolean => {
    const standIns = substitutes.flatMap(({ shardIndex: index, driveId }) =>
      (index ?? 0) === shardIndex && driveId != null ? [idFromBytes("drive", driveId)] : [],
    );
    return [...lists.map((homes) => homes[shardIndex] ?? null), ...standIns].some(
      (driveId) => driveId !== null && counts(driveId) && receipts.isHeld(driveId, { dataId, shardIndex }),
    );
  };
  return Array.from({ length: k + m }, (_, shardIndex) => shardIndex).filter(isFound);
}

/** Bodies that a record names and of which fewer shards can be found than when their write was reported, a sentence each. */
export function lookForUnfindable(view: View, named: readonly NamedBody[], receipts: Receipts): string[] {
  const map = readClusterMap(view);
  return named.flatMap((body) => {
    const promised = receipts.promisedOf(body.dataId);
    if (promised === null) return [];
    const repair = readRepair(view, body.dataId)?.record ?? null;
    const found = findableShards(body, { map, repair, receipts, counts: () => true });
    if (found.length >= promised) return [];
    const now = found.length === 0 ? "none" : `only ${found.join()}`;
    return [`of ${body.dataId} ${promised} shards could be found when it was written, and now ${now}`];
  });
}
