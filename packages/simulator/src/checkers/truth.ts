import type { Geometry } from "@kakera/kernel";
import { ranges, readClusterMap, type View } from "@kakera/metadata";
import type { ShardDescription } from "@kakera/rpc";
import type { SimulatedNode } from "../cluster/simulated-node.ts";
import { namedBodies } from "./named-bodies.ts";

const rowsMax = 10_000;

/** What is on the drives, against what the records name: counted by hand, and not by the system. */
export interface Truth {
  /** Chunks by the number of their shards that are on no drive. */
  readonly chunksByMissing: readonly number[];
  readonly chunkCount: number;
  readonly lostCount: number;
  /** Shards that no record names, that are held twice, or that are not at home; a sentence each. */
  readonly strays: readonly string[];
  readonly garbageRows: number;
  readonly repairRows: number;
}

/** Of a world in which every node serves and nothing is under way. */
export async function lookAtTruth(
  nodes: readonly SimulatedNode[],
  view: View,
  of: { readonly geometry: Geometry; readonly groupCount: number },
): Promise<Truth> {
  const held = new Map<string, string>();
  const strays: string[] = [];
  const map = readClusterMap(view);
  const named = new Map(namedBodies(view, of).map((body) => [body.dataId, body]));
  for (const { name, serving, driveId } of nodes) {
    const shards = (await serving?.drive.inventory({ group: null, after: null, limit: rowsMax })) ?? [];
    for (const { identity } of shards satisfies readonly ShardDescription[]) {
      const { dataId, chunkIndex, shardIndex } = identity;
      const shard = `${dataId}/${chunkIndex}/${shardIndex}`;
      const before = held.get(shard);
      const body = named.get(dataId);
      const home = body === undefined ? null : map.group(body.pool, body.group)?.homes[shardIndex];
      if (body === undefined) strays.push(`${name} holds ${shard}, which no record names`);
      else if (before !== undefined) strays.push(`${name} holds ${shard}, as ${before} does`);
      else if (home !== driveId) strays.push(`${name} holds ${shard}, whose home is another`);
      held.set(shard, name);
    }
  }
  const chunksByMissing = [0];
  let lostCount = 0;
  for (const { dataId, geometry } of named.values()) {
    const { k, m } = geometry;
    let missing = 0;
    for (let shardIndex = 0; shardIndex < k + m; shardIndex++) if (!held.has(`${dataId}/0/${shardIndex}`)) missing++;
    while (chunksByMissing.length <= missing) chunksByMissing.push(0);
    chunksByMissing[missing] = (chunksByMissing[missing] as number) + 1;
    if (missing > m) lostCount++;
  }
  const rows = (table: "garbage" | "repair"): number => {
    const { from, to } = ranges.table(table);
    return view.range(from, to, rowsMax).length;
  };
  return {
    chunksByMissing,
    chunkCount: named.size,
    lostCount,
    strays,
    garbageRows: rows("garbage"),
    repairRows: rows("repair"),
  };
}
