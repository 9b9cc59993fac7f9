import { idFromBytes, type DataId } from "@kakera/kernel";
import { ranges, type View } from "@kakera/metadata";
import { records, type GarbageRecord } from "@kakera/protocol";
import { bodyRefOf, type BodyRef } from "./body-ref.ts";

/** The bodies that a garbage row names, those of its part table included. */
export function bodiesOfGarbage(view: View, garbage: GarbageRecord): BodyRef[] {
  const bodies = garbage.bodies.map((place) => bodyRefOf(place)).filter((body) => body !== null);
  if (garbage.layoutPieces === 0) return bodies;
  const { from, to } = ranges.layout(idFromBytes("data", garbage.layoutId));
  for (const { value } of view.range(from, to, garbage.layoutPieces)) {
    for (const part of records.LayoutPiece.decode(value).parts) {
      const body = bodyRefOf(part.body);
      if (body !== null) bodies.push(body);
    }
  }
  return bodies;
}

/** Every body that waits to be deleted: its shards are no orphans, they have a collector (R3). */
export function allGarbageBodies(view: View): ReadonlySet<DataId> {
  const found = new Set<DataId>();
  const { from, to } = ranges.table("garbage");
  view.walk(from, to, (_key, value) => {
    for (const body of bodiesOfGarbage(view, records.GarbageRecord.decode(Buffer.from(value)))) found.add(body.dataId);
    return "next";
  });
  return found;
}
