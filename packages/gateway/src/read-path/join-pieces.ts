import type { PinnedSlab } from "../slab-lease.ts";
import type { ReadWindow } from "./plan-windows.ts";
import type { Area } from "./window-memory.ts";

/** The wanted bytes of a window in the order of the body, as views of where they lie; neighbours in memory are one. */
export function* joinPieces({ pieces, extent }: ReadWindow, areaOf: (shardIndex: number) => Area): Generator<Buffer> {
  let slab: PinnedSlab | null = null;
  let start = 0;
  let end = 0;
  for (const piece of pieces) {
    const area = areaOf(piece.shard);
    const at = area.atBytes + piece.shardOffsetBytes - extent.offsetBytes;
    if (slab === area.slab && at === end) end += piece.lengthBytes;
    else {
      if (slab !== null) yield slab.bytes.subarray(start, end);
      slab = area.slab;
      start = at;
      end = at + piece.lengthBytes;
    }
  }
  if (slab !== null) yield slab.bytes.subarray(start, end);
}
