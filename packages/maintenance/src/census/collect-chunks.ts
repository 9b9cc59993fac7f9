import type { Pool } from "@kakera/metadata";
import type { MaintenanceParts } from "../maintenance-parts.ts";
import { chunkCount, chunkOf, type ChunkRef } from "../references/body-ref.ts";
import { walkReferences } from "../references/walk-references.ts";

/** A placement group of some pool, in the order in which a census goes through them. */
export interface CensusGroup {
  readonly pool: Pool;
  readonly group: number;
}

/** Chunks that records name, by group; each as its name (`chunkName`), which sorts as inventories do. */
export type ChunksByGroup = ReadonlyMap<CensusGroup, readonly string[]>;

/** So many chunks are in memory at once; a larger store is counted in several walks, each over some of the groups. */
export const chunksPerPassMax = 400_000;

/**
 * One walk of all references, which keeps the chunks of the given groups, from the first on, as far as `chunksMax` reaches.
 * What is kept is complete for the groups that are returned; the others are for the next pass.
 */
export async function collectChunks(
  parts: Pick<MaintenanceParts, "log" | "clock">,
  groups: readonly CensusGroup[],
  chunksMax: number,
): Promise<ChunksByGroup> {
  const byNumber = new Map(groups.map((group, index) => [`${group.pool.pool}/${group.group}`, index]));
  const pools = new Map(groups.map(({ pool }) => [pool.pool, pool]));
  const kept: string[][] = groups.map(() => []);
  let keptChunks = 0;
  for await (const { body } of walkReferences(parts.log.view, parts.clock)) {
    const pool = pools.get(body.pool);
    if (pool === undefined) continue;
    for (let chunkIndex = 0; chunkIndex < chunkCount(body); chunkIndex++) {
      const chunk = chunkOf(body, pool, chunkIndex);
      const list = kept[byNumber.get(`${pool.pool}/${chunk.group}`) ?? Infinity];
      if (list === undefined) continue;
      list.push(chunkName(chunk, body.form));
      keptChunks++;
    }
    while (keptChunks > chunksMax && kept.length > 1) {
      // The later half of the groups waits for another pass.
      for (const list of kept.splice(Math.ceil(kept.length / 2))) keptChunks -= list.length;
    }
  }
  return new Map(kept.map((list, index) => [groups[index] as CensusGroup, list]));
}

/** 32 digits of the body's id, 5 of the chunk's index (hexadecimal both), and R or C for the form. */
function chunkName(
  { dataId, chunkIndex }: Pick<ChunkRef, "dataId" | "chunkIndex">,
  form: "CODED" | "REPLICATED",
): string {
  return `${dataId}${chunkIndex.toString(16).padStart(5, "0")}${form === "REPLICATED" ? "R" : "C"}`;
}

export function partsOfName(name: string): {
  readonly dataId: ChunkRef["dataId"];
  readonly chunkIndex: number;
  readonly form: "CODED" | "REPLICATED";
} {
  return {
    dataId: name.slice(0, 32) as ChunkRef["dataId"],
    chunkIndex: Number.parseInt(name.slice(32, 37), 16),
    form: name.endsWith("R") ? "REPLICATED" : "CODED",
  };
}
