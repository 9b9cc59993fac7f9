import { newId } from "@kakera/kernel";
import {
  records,
  type BodyPlace,
  type BodyPlaceInput,
  type ObjectRecordInput,
  type PartEntryInput,
} from "@kakera/protocol";
import { keys } from "../key-space.ts";
import type { DeletableRecord } from "./read-deletable.ts";
import type { Author, Put } from "./transition.ts";

/** Whom the chunks' headers name. */
export interface Owner {
  /** 8 bytes. */
  readonly bucketId: Uint8Array;
  readonly objectKey: Uint8Array;
}

/** Bodies that lose their record. */
export interface Dropped {
  readonly bodies: readonly BodyPlaceInput[];
  /** A part table of its own, and all bodies that it names. */
  readonly layout: { readonly layoutId: Uint8Array; readonly layoutPieces: number } | null;
}

const nothing: Dropped = { bodies: [], layout: null };
/** A body's place in its longest form, with room to spare: keeps a garbage record below 256 KiB. */
const bodiesPerGarbageMax = 4_000;

/** What `old` names and `next` does not (correctness.md F7: a change of metadata keeps its bodies). */
export function droppedBodies(old: DeletableRecord | null, next: ObjectRecordInput | null): Dropped {
  if (old === null || (old.body == null && old.parts.length === 0 && old.layoutPieces === 0)) return nothing;
  if (old.layoutPieces > 0) {
    const isKept = next?.layoutId != null && Buffer.compare(next.layoutId, old.layoutId) === 0;
    return { bodies: [], layout: isKept ? null : { layoutId: old.layoutId, layoutPieces: old.layoutPieces } };
  }
  const kept = new Set((next === null ? [] : bodiesOf(next)).map(dataIdText));
  return { bodies: bodiesOf(old).filter((body) => !kept.has(dataIdText(body))), layout: null };
}

export function isNothing(dropped: Dropped): boolean {
  return dropped.layout === null && dropped.bodies.length === 0;
}

/** The bodies that a record names itself (not those of its part table). */
export function bodiesOf(record: Pick<ObjectRecordInput, "body" | "parts">): BodyPlace[] {
  const parts = (record.parts ?? []) as PartEntryInput[];
  return [record.body, ...parts.map((part) => part.body)].filter((body) => body != null) as BodyPlace[];
}

/** Garbage rows for what was dropped: one, or a few when there are thousands of bodies; none when there is nothing. */
export function garbagePuts(author: Author, owner: Owner, dropped: Dropped): Put[] {
  const puts: Put[] = [];
  const put = (content: object): void => {
    const value = records.GarbageRecord.encode({
      bucketId: owner.bucketId,
      objectKey: owner.objectKey,
      ...content,
    }).finish();
    puts.push({ key: keys.garbage(newId("task", author.random)), value });
  };
  if (dropped.layout !== null) put(dropped.layout);
  for (let first = 0; first < dropped.bodies.length; first += bodiesPerGarbageMax) {
    put({ bodies: dropped.bodies.slice(first, first + bodiesPerGarbageMax) });
  }
  return puts;
}

function dataIdText(body: BodyPlaceInput): string {
  return Buffer.from(body.dataId ?? []).toString("latin1");
}
