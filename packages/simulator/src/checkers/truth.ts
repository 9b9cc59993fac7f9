import { idFromBytes, type DataId, type Geometry } from "@kakera/kernel";
import { ranges, type View } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { ShardDescription } from "@kakera/rpc";
import type { SimulatedNode } from "../cluster/simulated-node.ts";
import { bodyForm } from "./body-form.ts";

const rowsMax = 10_000;

/** What is on the drives, against what the records name: counted by hand, and not by the system. */
export interface Truth {
  /** Chunks by the number of their shards that are on no drive. */
  readonly chunksByMissing: readonly number[];
  readonly chunkCount: number;
  readonly lostCount: number;
  /** Shards that no record names, or that are held twice; a sentence each. */
  readonly strays: readonly string[];
  readonly garbageRows: number;
  readonly repairRows: number;
}

/** Of a world in which every node serves and nothing is under way. */
export async function lookAtTruth(nodes: readonly SimulatedNode[], view: View, geometry: Geometry): Promise<Truth> {
  const held = new Map<string, string>();
  const strays: string[] = [];
  const named = namedBodies(view, geometry);
  for (const { name, serving } of nodes) {
    const shards = (await serving?.drive.inventory({ group: null, after: null, limit: rowsMax })) ?? [];
    for (const { identity } of shards satisfies readonly ShardDescription[]) {
      const { dataId, chunkIndex, shardIndex } = identity;
      const shard = `${dataId}/${chunkIndex}/${shardIndex}`;
      const before = held.get(shard);
      if (!named.has(dataId)) strays.push(`${name} holds ${shard}, which no record names`);
      else if (before !== undefined) strays.push(`${name} holds ${shard}, as ${before} does`);
      held.set(shard, name);
    }
  }
  const chunksByMissing = [0];
  let lostCount = 0;
  for (const [dataId, { k, m }] of named) {
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

/** Bodies of one chunk each, by what objects name them. */
function namedBodies(view: View, geometry: Geometry): Map<DataId, Geometry> {
  const named = new Map<DataId, Geometry>();
  const { from, to } = ranges.table("current");
  for (const { value } of view.range(from, to, rowsMax)) {
    const { body } = records.ObjectRecord.decode(value);
    const dataId = body?.dataId ?? new Uint8Array();
    if (body != null && dataId.byteLength > 0) named.set(idFromBytes("data", dataId), bodyForm(body, geometry));
  }
  return named;
}
