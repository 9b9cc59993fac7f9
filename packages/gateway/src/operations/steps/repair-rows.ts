import { idFromBytes } from "@kakera/kernel";
import { keys, ranges, repairIdOf, type Key, type Seen, type View } from "@kakera/metadata";
import type { PartRecord } from "@kakera/protocol";

/** The repair rows that these parts' bodies have: they go in the change that drops the parts. */
export function repairRowsOfParts(view: View, parts: readonly Seen<PartRecord>[]): Key[] {
  const table = ranges.table("repair");
  if (view.range(table.from, table.to, 1).length === 0) return [];
  const rows: Key[] = [];
  for (const { record } of parts) {
    const dataId = record.part?.body?.dataId;
    if (dataId == null) continue;
    const key = keys.repair(repairIdOf(idFromBytes("data", dataId)));
    if (view.with(key, () => true) === true) rows.push(key);
  }
  return rows;
}
