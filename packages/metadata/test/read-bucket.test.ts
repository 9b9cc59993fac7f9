import { expect, it } from "vitest";
import { createSeededRandom, newId, idBytes } from "@kakera/kernel";
import { records } from "@kakera/protocol";
import { createMemoryView, keys, readBucket, type ViewWrite, type WritableView } from "../src/index.ts";

const random = createSeededRandom(5);
const position = (revision: number) => ({ logId: "log", revision, term: 1, sequence: revision, checksum: "" });

function bucket(name: string, revision: number): ViewWrite {
  const value = records.BucketRecord.encode({ bucketId: idBytes(newId("bucket", random)) }).finish();
  return { kind: "put", key: keys.bucket(name), value, revision };
}

function apply(view: WritableView, revision: number, ...writes: ViewWrite[]): void {
  view.apply({ revision, position: position(revision), writes });
}

it("tells a bucket that came, changed, went and came again, and never an earlier one", () => {
  const view = createMemoryView();
  expect(readBucket(view, "b")).toBeNull();
  apply(view, 1, bucket("b", 1));
  const first = readBucket(view, "b");
  expect(first?.revision).toBe(1);
  apply(view, 2, bucket("other", 2));
  expect(readBucket(view, "b")).toBe(first);
  apply(view, 3, bucket("b", 3));
  expect(readBucket(view, "b")?.revision).toBe(3);
  expect(readBucket(view, "b")?.record.bucketId).not.toEqual(first?.record.bucketId);
  apply(view, 4, { kind: "delete", key: keys.bucket("b") });
  expect(readBucket(view, "b")).toBeNull();
  apply(view, 5, bucket("b", 5));
  expect(readBucket(view, "b")?.revision).toBe(5);
  view.clear();
  expect(readBucket(view, "b")).toBeNull();
});

it("sees what is loaded into a view that has no revision yet", () => {
  const view = createMemoryView();
  expect(readBucket(view, "b")).toBeNull();
  const loaded = bucket("b", 7) as ViewWrite & { kind: "put" };
  view.load([{ key: Buffer.from(loaded.key), value: Buffer.from(loaded.value), revision: 7 }], null);
  expect(readBucket(view, "b")?.revision).toBe(7);
});

it("keeps the record that it shares from being written to", () => {
  const view = createMemoryView();
  apply(view, 1, bucket("b", 1));
  const { record } = readBucket(view, "b")!;
  expect(() => Object.assign(record, { state: 2 })).toThrow(TypeError);
});

it("goes on however many names were asked for", () => {
  const view = createMemoryView();
  apply(view, 1, bucket("b", 1));
  for (let i = 0; i < 2500; i++) expect(readBucket(view, `absent-${i}`)).toBeNull();
  expect(readBucket(view, "b")?.revision).toBe(1);
});
