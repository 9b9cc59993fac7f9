import { idFromBytes, type DataId } from "@kakera/kernel";
import { ranges, readRepair, type View } from "@kakera/metadata";
import type { RepairRecord } from "@kakera/protocol";
import type { StoredBody } from "../bodies.ts";

/** Of bodies that are being read, the repair rows as they were when the record was. */
export type NamedSubstitutes = ReadonlyMap<DataId, RepairRecord>;

const none: NamedSubstitutes = new Map();

/**
 * A record that is dropped takes its repair rows with it, while who is at its body goes on reading: what they say is kept for as long as that
 * takes. To be called in the same turn as the look at the record. One lookup where nothing waits for repair.
 */
export function namedSubstitutes(view: View, bodies: readonly StoredBody[]): NamedSubstitutes {
  const { from, to } = ranges.table("repair");
  if (view.range(from, to, 1).length === 0) return none;
  const named = new Map<DataId, RepairRecord>();
  for (const body of bodies) {
    if (body.kind === "inline" || body.place.dataId == null) continue;
    const dataId = idFromBytes("data", body.place.dataId);
    const row = readRepair(view, dataId);
    if (row !== null) named.set(dataId, row.record);
  }
  return named;
}
