import { expect, test } from "vitest";
import { createSeededRandom, newId, type BucketId } from "@kakera/kernel";
import { records, type ObjectRecordInput } from "@kakera/protocol";
import { createMemoryView, droppedBodies, keys, readDeletable } from "../src/index.ts";

const bucketId = newId("bucket", createSeededRandom(2)) as BucketId;
const row = keys.current(bucketId, Buffer.from("a/key"));
const place = (name: string) => ({ dataId: Buffer.from(name.padEnd(16, ".")), pool: 1, sizeBytes: 9 });

/** What a deletion of a record with this content would drop. */
function droppedOf(content: Omit<ObjectRecordInput, "ordinal">) {
  const view = createMemoryView();
  const value = Buffer.from(records.ObjectRecord.encode({ ordinal: 3, md5: Buffer.alloc(16, 1), ...content }).finish());
  const position = { logId: "log", revision: 4, term: 1, sequence: 1, checksum: "" };
  view.apply({ revision: 4, position, writes: [{ kind: "put", key: row, value, revision: 4 }] });
  const seen = readDeletable(view, row);
  expect([seen?.revision, seen?.readAt]).toEqual([4, 4]);
  const { bodies, layout } = droppedBodies(seen!.record, null);
  return { bodies: bodies.map((body) => Buffer.from(body.dataId as Uint8Array).toString()), layout };
}

test("an object that is not there is null", () => {
  expect(readDeletable(createMemoryView(), row)).toBeNull();
});

test("an object whose body lies in its record drops nothing, whatever else the record has", () => {
  const headers = { contentType: Buffer.from("text/plain") };
  const metadata = [{ name: "author", value: Buffer.from("someone") }];
  expect(droppedOf({ sizeBytes: 4, inlineBody: Buffer.from("BJRZ"), headers, metadata })).toEqual({
    bodies: [],
    layout: null,
  });
});

test("an object with a body elsewhere drops it", () => {
  expect(droppedOf({ sizeBytes: 9, body: place("one") }).bodies).toEqual(["one............."]);
});

test("an object of parts drops the bodies of all", () => {
  const parts = [place("one"), place("two")].map((body, index) => ({ number: index + 1, sizeBytes: 9, body }));
  expect(droppedOf({ sizeBytes: 18, partCount: 2, parts }).bodies).toEqual(["one.............", "two............."]);
});

test("an object with a part table of its own drops the table", () => {
  const layoutId = Buffer.alloc(16, 7);
  const { bodies, layout } = droppedOf({ sizeBytes: 18, partCount: 2, layoutId, layoutPieces: 3 });
  expect([bodies, layout?.layoutPieces, Buffer.from(layout?.layoutId ?? []).equals(layoutId)]).toEqual([[], 3, true]);
});
