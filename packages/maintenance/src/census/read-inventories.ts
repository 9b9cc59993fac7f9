import type { DriveId } from "@kakera/kernel";
import type { ShardDescription, ShardRef } from "@kakera/rpc";
import { answeringDrive, type MaintenanceParts } from "../maintenance-parts.ts";
import type { HeldShard } from "./judge-chunk.ts";

const shardsPerPage = 512;

/** What the drives that answer hold of one group, by chunk (`dataId/chunkIndex`), with one header each. */
export type GroupInventory = Map<string, { readonly held: HeldShard[]; readonly descriptions: ShardDescription[] }>;

/**
 * Of all drives at the same time: most of them are a call away. Rejects with ClusterFailure `retry` when a drive stops answering on the
 * way: then nothing is known.
 */
export async function readInventories(parts: MaintenanceParts, group: number): Promise<GroupInventory> {
  const drives = parts.map.drives();
  const found = await Promise.all(drives.map(({ driveId }) => inventoryOf(parts, driveId, group)));
  const inventory: GroupInventory = new Map();
  for (const [index, { driveId }] of drives.entries()) {
    for (const description of found[index] ?? []) {
      const { dataId, chunkIndex, shardIndex } = description.identity;
      const name = `${dataId}/${chunkIndex}`;
      const entry = inventory.get(name) ?? { held: [], descriptions: [] };
      entry.held.push({ shardIndex, driveId });
      entry.descriptions.push(description);
      inventory.set(name, entry);
    }
  }
  return inventory;
}

/** Shards of a group on one drive, in order; nothing when it does not answer at the start. */
export async function inventoryOf(
  parts: Pick<MaintenanceParts, "drives">,
  driveId: DriveId,
  group: number,
): Promise<ShardDescription[]> {
  const drive = answeringDrive(parts, driveId);
  const shards: ShardDescription[] = [];
  if (drive === null) return shards;
  for (let after: ShardRef | null = null; ;) {
    const page: ShardDescription[] = await drive.inventory({ group, after, limit: shardsPerPage });
    shards.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < shardsPerPage) return shards;
    after = last.identity;
  }
}
