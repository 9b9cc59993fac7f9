import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSeededRandom, idBytes, newId } from "@kakera/kernel";
import {
  keys,
  objectKeyBytesMax,
  objectKeyOfCurrent,
  partsOfUploadKey,
  ranges,
  successorOfPrefix,
} from "../src/index.ts";

const random = createSeededRandom(6);
const [bucketA, bucketB] = [newId("bucket", random), newId("bucket", random)];
const [uploadLow, uploadHigh] = [newId("upload", random), newId("upload", random)].sort() as [
  ReturnType<typeof newId<"upload">>,
  ReturnType<typeof newId<"upload">>,
];
/** LMDB refuses longer keys. */
const lmdbKeyBytesMax = 1978;

/** Bytes that hurt: NUL, the escape, the neighbours of "/", the highest. */
const objectKey = fc
  .array(fc.constantFrom(0x00, 0x01, 0x2e, 0x2f, 0x30, 0x61, 0xff), { maxLength: 6 })
  .map((bytes) => Buffer.from(bytes));
const isInside = (key: Uint8Array, range: { from: Uint8Array; to: Uint8Array }): boolean =>
  Buffer.compare(key, range.from) >= 0 && Buffer.compare(key, range.to) < 0;

describe("current keys", () => {
  test("are ordered as their object keys are, and give them back", () => {
    fc.assert(
      fc.property(objectKey, objectKey, (a, b) => {
        const [keyA, keyB] = [keys.current(bucketA, a), keys.current(bucketA, b)];
        expect(Math.sign(Buffer.compare(keyA, keyB))).toBe(Math.sign(Buffer.compare(a, b)));
        expect(Buffer.from(objectKeyOfCurrent(keyA)).equals(a)).toBe(true);
      }),
    );
  });

  test("of a bucket fill a range that no other bucket's key is in", () => {
    fc.assert(
      fc.property(objectKey, objectKey, (key, from) => {
        expect(isInside(keys.current(bucketA, key), ranges.current(bucketA))).toBe(true);
        expect(isInside(keys.current(bucketB, key), ranges.current(bucketA))).toBe(false);
        expect(isInside(keys.current(bucketA, key), ranges.current(bucketA, from))).toBe(
          Buffer.compare(key, from) >= 0,
        );
      }),
    );
  });
});

describe("upload keys", () => {
  test("are ordered by object key, then by upload id, and give both back", () => {
    fc.assert(
      fc.property(objectKey, objectKey, (a, b) => {
        const order = Math.sign(Buffer.compare(a, b));
        const [high, low] = [keys.upload(bucketA, a, uploadHigh), keys.upload(bucketA, b, uploadLow)];
        expect(Math.sign(Buffer.compare(high, low))).toBe(order === 0 ? 1 : order);
        const parts = partsOfUploadKey(high);
        expect([parts.objectKey.equals(a), Buffer.from(parts.uploadIdBytes).equals(idBytes(uploadHigh))]).toEqual([
          true,
          true,
        ]);
      }),
    );
  });

  test("of one object key fill a range of their own", () => {
    fc.assert(
      fc.property(objectKey, objectKey, (a, b) => {
        expect(isInside(keys.upload(bucketA, b, uploadLow), ranges.uploadsOf(bucketA, a))).toBe(a.equals(b));
      }),
    );
  });
});

describe("the key space", () => {
  test("keeps tables apart: no key of one is in another's range", () => {
    const samples = {
      bucket: keys.bucket("name"),
      current: keys.current(bucketA, Buffer.from("k")),
      upload: keys.upload(bucketA, Buffer.from("k"), uploadLow),
      part: keys.part(uploadLow, 1),
      completed: keys.completed(uploadLow),
      layout: keys.layout(newId("data", random), 0),
      garbage: keys.garbage(newId("task", random)),
      repair: keys.repair(newId("task", random)),
      pool: keys.pool(1),
      group: keys.group(1, 2),
      drive: keys.drive(newId("drive", random)),
      cluster: keys.cluster(),
      tail: keys.tail(),
    };
    for (const [name, key] of Object.entries(samples)) {
      const tables = (Object.keys(samples) as (keyof typeof samples)[]).filter((table) =>
        isInside(key, ranges.table(table)),
      );
      expect(tables).toEqual([name]);
    }
  });

  test("fits LMDB with the longest object key", () => {
    const longest = Buffer.alloc(objectKeyBytesMax, 0xff);
    expect(keys.upload(bucketA, longest, uploadLow).byteLength).toBeLessThanOrEqual(lmdbKeyBytesMax);
    expect(keys.current(bucketA, longest).byteLength).toBeLessThanOrEqual(lmdbKeyBytesMax);
  });

  test("orders parts by number", () => {
    const numbers = [10_000, 1, 256, 255, 9_999, 2];
    const sorted = numbers.map((number) => keys.part(uploadLow, number)).sort((a, b) => Buffer.compare(a, b));
    expect(sorted).toEqual(numbers.sort((a, b) => a - b).map((number) => keys.part(uploadLow, number)));
    for (const key of sorted) expect(isInside(key, ranges.parts(uploadLow))).toBe(true);
  });
});

test("successorOfPrefix() is above every key with the prefix, and at or below every other that is above it", () => {
  fc.assert(
    fc.property(objectKey, objectKey, objectKey, (prefix, rest, other) => {
      const successor = successorOfPrefix(prefix);
      expect(successor === null).toBe(prefix.every((byte) => byte === 0xff));
      if (successor === null) return;
      expect(Buffer.compare(Buffer.concat([prefix, rest]), successor)).toBe(-1);
      const isBeyond = Buffer.compare(other, prefix) > 0 && !other.subarray(0, prefix.byteLength).equals(prefix);
      if (isBeyond) expect(Buffer.compare(other, successor)).toBeGreaterThanOrEqual(0);
    }),
  );
});
