import { idBytes, newId } from "@kakera/kernel";
import { records, type PartEntryInput } from "@kakera/protocol";
import { keys } from "../key-space.ts";
import type { ObjectContent } from "./put-object.ts";
import type { Author, Put } from "./transition.ts";

/** Up to so many parts stay in the object record; more go into rows of their own, which a change of tags does not carry. */
const partsInRecordMax = 100;
/** A layout row stays below it. */
const layoutPieceBytesMax = 250 * 1024;

/** The fields of an object's record that hold its part table or name it, and the rows of one that is named. */
export function partTable(
  author: Author,
  entries: readonly PartEntryInput[],
): { fields: Partial<ObjectContent>; puts: Put[] } {
  if (entries.length <= partsInRecordMax)
    return { fields: { parts: [...entries] as NonNullable<ObjectContent["parts"]> }, puts: [] };
  const layoutId = newId("data", author.random);
  const pieces = cutIntoPieces(entries);
  const puts = pieces.map((parts, piece) => ({
    key: keys.layout(layoutId, piece),
    value: records.LayoutPiece.encode({ parts }).finish(),
  }));
  return { fields: { layoutId: idBytes(layoutId), layoutPieces: pieces.length }, puts };
}

function cutIntoPieces(entries: readonly PartEntryInput[]): PartEntryInput[][] {
  const pieces: PartEntryInput[][] = [[]];
  let pieceBytes = 0;
  for (const entry of entries) {
    const frameBytes = 8;
    const entryBytes = records.PartEntry.encode(entry).finish().byteLength + frameBytes;
    if (pieceBytes + entryBytes > layoutPieceBytesMax && pieceBytes > 0) {
      pieces.push([]);
      pieceBytes = 0;
    }
    pieceBytes += entryBytes;
    pieces.at(-1)?.push(entry);
  }
  return pieces;
}
