import { ranges, type ClusterMap, type View } from "@kakera/metadata";
import { groupsOf } from "@kakera/placement";
import type { CensusGroup } from "./collect-chunks.ts";

const poolsMax = 1_000;

/** Every placement group of every pool. */
export function allGroups({
  log,
  map,
}: {
  readonly log: { readonly view: View };
  readonly map: ClusterMap;
}): CensusGroup[] {
  const groups: CensusGroup[] = [];
  const { from, to } = ranges.table("pool");
  // The pool's number follows the table byte.
  for (const { key } of log.view.range(from, to, poolsMax)) {
    const pool = map.pool(key.readUInt32BE(1));
    if (pool !== null) groups.push(...groupsOf(pool).map((group) => ({ pool, group })));
  }
  return groups;
}
