import { beforeEach, describe, expect, test } from "vitest";
import {
  createSeededRandom,
  idBytes,
  idFromBytes,
  newId,
  type BucketId,
  type DataId,
  type TaskId,
  type UploadId,
} from "@kakera/kernel";
import {
  records,
  type BodyPlaceInput,
  type BucketRecord,
  type GarbageRecord,
  type ObjectRecord,
  type PartEntryInput,
} from "@kakera/protocol";
import {
  abortUpload,
  closeBucket,
  completeUpload,
  createBucket,
  createMemoryLog,
  createMemoryView,
  createUpload,
  deleteObject,
  deleteObjects,
  dropCompleted,
  dropGarbage,
  dropRepair,
  keys,
  markUpload,
  noteRepair,
  partsDigest,
  partTableOf,
  putObject,
  putPart,
  ranges,
  readBucket,
  readCompleted,
  readObject,
  readPart,
  readParts,
  readRepair,
  readUpload,
  removeBucket,
  reopenBucket,
  repairKeysOf,
  setBucketTags,
  setTags,
  unmarkUpload,
  type Author,
  type Change,
  type Completion,
  type MemoryLog,
  type ObjectContent,
  type Seen,
  type UploadSeen,
} from "../src/index.ts";

const random = createSeededRandom(5);
const bucketName = "bucket";
const objectKey = Buffer.from("a/key");
let log: MemoryLog;
let author: Author;
let bucketId: BucketId;

beforeEach(async () => {
  log = createMemoryLog({ view: createMemoryView(), session: newId("session", random) });
  author = { random, session: log.session };
  const created = createBucket(author, bucketName, { createdMs: 5, region: "eu" });
  bucketId = created.bucketId;
  expect(await committed(created.change)).toBe(true);
});

async function committed(change: Change): Promise<boolean> {
  return (await log.commit(change)).outcome === "committed";
}

const bucketSeen = (): Seen<BucketRecord> => readBucket(log.view, bucketName) as Seen<BucketRecord>;
const objectSeen = (key: Uint8Array = objectKey): Seen<ObjectRecord> | null => readObject(log.view, bucketId, key);
const place = (name = "x"): BodyPlaceInput => ({ dataId: Buffer.from(name.padEnd(16, ".")), pool: 1, sizeBytes: 9 });
const dataIdOf = (body: BodyPlaceInput): DataId => idFromBytes("data", body.dataId as Uint8Array);
const textOf = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString();
const namesOf = (bodies: readonly BodyPlaceInput[]): string[] =>
  bodies.map((body) => textOf(body.dataId).replace(/\.+$/, ""));

function garbage(): { id: TaskId; garbage: Seen<GarbageRecord> }[] {
  const table = ranges.table("garbage");
  return log.view.range(table.from, table.to, 1000).map((entry) => ({
    id: idFromBytes("task", entry.key.subarray(1)),
    garbage: { record: records.GarbageRecord.decode(entry.value), revision: entry.revision },
  }));
}
const garbageNames = (): string[] =>
  garbage()
    .flatMap((one) => namesOf(one.garbage.record.bodies))
    .sort();
const rowCount = (table: "layout" | "garbage" | "repair" | "part" | "upload" | "completed"): number =>
  log.view.range(ranges.table(table).from, ranges.table(table).to, 100_000).length;

function put(content: ObjectContent, key: Buffer = objectKey): Change {
  const replaced = objectSeen(key);
  const replacedRepairs = replaced === null ? [] : repairKeysOf(log.view, replaced.record);
  return putObject(author, {
    bucketName,
    bucket: bucketSeen(),
    objectKey: key,
    replaced,
    content,
    repairs: [],
    replacedRepairs,
  });
}

const repairOf = (body: BodyPlaceInput) => ({
  bucketId: idBytes(bucketId),
  objectKey,
  dataId: body.dataId as Uint8Array,
  pool: 1,
  chunks: [{ chunkIndex: 0, missingShards: [2] }],
});

describe("createBucket()", () => {
  test("makes an open bucket of a new id, once", async () => {
    expect(bucketSeen().record).toMatchObject({ state: records.BucketState.OPEN, region: "eu", createdMs: 5 });
    const again = createBucket(author, bucketName, { createdMs: 6 });
    expect(again.bucketId).not.toBe(bucketId);
    expect(await committed(again.change)).toBe(false);
  });
});

describe("putObject()", () => {
  test("stamps the record, and counts its ordinal up from what it replaces", async () => {
    const first = put({ sizeBytes: 9, body: place("one") });
    expect(await committed(first)).toBe(true);
    expect(objectSeen()?.record).toMatchObject({ ordinal: 1, sizeBytes: 9 });
    expect(textOf(objectSeen()?.record.changeId)).toBe(textOf(idBytes(first.id)));
    expect(textOf(objectSeen()?.record.session)).toBe(textOf(idBytes(author.session)));
    expect(await committed(put({ sizeBytes: 4, body: place("two") }))).toBe(true);
    expect(objectSeen()?.record.ordinal).toBe(2);
    expect(log.view.usage(bucketId)).toMatchObject({ objectCount: 1, sizeBytes: 4 });
  });

  test("of two that saw the same, absent or present, one is refused", async () => {
    for (const round of ["absent", "present"]) {
      const [one, other] = [put({ body: place(`${round}1`) }), put({ body: place(`${round}2`) })];
      expect([await committed(one), await committed(other)]).toEqual([true, false]);
    }
  });

  test("drops the replaced body, once, and names its owner", async () => {
    await committed(put({ body: place("one") }));
    await committed(put({ body: place("two") }));
    expect(garbageNames()).toEqual(["one"]);
    expect(garbage()[0]?.garbage.record).toMatchObject({ objectKey, bucketId: idBytes(bucketId) });
    await committed(put({ inlineBody: Buffer.from("small") }));
    await committed(put({ sizeBytes: 0 }));
    expect(garbageNames()).toEqual(["one", "two"]);
  });

  test("keeps a body, and its repair row, that the new record names too", async () => {
    await committed(put({ body: place("one") }));
    await committed(
      noteRepair(author, repairOf(place("one")), {
        repair: null,
        holder: { key: keys.current(bucketId, objectKey), revision: objectSeen()!.revision },
      }),
    );
    await committed(put({ body: place("one"), metadata: [{ name: "new", value: Buffer.from("x") }] }));
    expect([garbageNames(), rowCount("repair")]).toEqual([[], 1]);
    await committed(put({ body: place("two") }));
    expect([garbageNames(), rowCount("repair")]).toEqual([["one"], 0]);
  });

  test("writes the repair rows of its own bodies, where a reader finds them by data id", async () => {
    const write = {
      bucketName,
      bucket: bucketSeen(),
      objectKey,
      replaced: null,
      content: { body: place("one") },
      repairs: [repairOf(place("one"))],
      replacedRepairs: [],
    };
    expect(await committed(putObject(author, write))).toBe(true);
    expect(readRepair(log.view, dataIdOf(place("one")))?.record.chunks[0]?.missingShards).toEqual([2]);
    expect(readRepair(log.view, dataIdOf(place("two")))).toBeNull();
  });

  test("is refused when the bucket was changed, closed or removed meanwhile", async () => {
    for (const meddle of [
      () => setBucketTags(author, bucketName, bucketSeen(), []),
      () => closeBucket(author, bucketName, bucketSeen()),
      () => removeBucket(author, bucketName, bucketSeen()),
    ]) {
      const change =
        bucketSeen().record.state === records.BucketState.OPEN
          ? put({ body: place() })
          : { ...put({ body: place() }), compares: [{ key: keys.bucket(bucketName), revision: 1 }] };
      expect(await committed(meddle())).toBe(true);
      expect(await committed(change)).toBe(false);
    }
  });
});

describe("deleteObjects()", () => {
  test("removes an object and leaves its body as garbage", async () => {
    await committed(put({ sizeBytes: 9, body: place("one") }));
    const change = deleteObject(author, bucketId, {
      key: keys.current(bucketId, objectKey),
      object: objectSeen()!,
      repairs: [],
    });
    expect(change.purpose).toBe("free");
    expect(await committed(change)).toBe(true);
    expect([objectSeen(), garbageNames()]).toEqual([null, ["one"]]);
    expect(log.view.usage(bucketId)).toEqual({ objectCount: 0, sizeBytes: 0, uploadCount: 0, partBytes: 0 });
  });

  test("is refused when the object was replaced meanwhile", async () => {
    await committed(put({ body: place("one") }));
    const change = deleteObject(author, bucketId, {
      key: keys.current(bucketId, objectKey),
      object: objectSeen()!,
      repairs: [],
    });
    await committed(put({ body: place("two") }));
    expect(await committed(change)).toBe(false);
  });

  test("removes a thousand objects in one change", async () => {
    const names = Array.from({ length: 1000 }, (_, i) => Buffer.from(`many/${i}`));
    for (const name of names) await committed(put({ sizeBytes: 1, body: place(textOf(name)) }, name));
    const { revision } = log.status();
    const deletions = names.map((name) => ({
      key: keys.current(bucketId, name),
      object: objectSeen(name)!,
      repairs: [],
    }));
    expect(await committed(deleteObjects(author, bucketId, deletions))).toBe(true);
    expect(log.status().revision).toBe(revision + 1);
    expect([log.view.usage(bucketId).objectCount, rowCount("garbage")]).toEqual([0, 1000]);
  });
});

describe("setTags()", () => {
  test("changes nothing of the object but its tags, and drops nothing", async () => {
    await committed(put({ sizeBytes: 9, modifiedMs: 77, body: place("one") }));
    expect(await committed(setTags(author, { bucketId, objectKey }, objectSeen()!, [{ key: "k", value: "v" }]))).toBe(
      true,
    );
    expect(objectSeen()?.record).toMatchObject({
      ordinal: 1,
      sizeBytes: 9,
      modifiedMs: 77,
      tags: [{ key: "k", value: "v" }],
    });
    expect(await committed(setTags(author, { bucketId, objectKey }, objectSeen()!, []))).toBe(true);
    expect([objectSeen()?.record.tags, rowCount("garbage")]).toEqual([[], 0]);
  });

  test("of a bucket keeps its id", async () => {
    expect(await committed(setBucketTags(author, bucketName, bucketSeen(), [{ key: "k", value: "v" }]))).toBe(true);
    expect(bucketSeen().record).toMatchObject({ tags: [{ key: "k", value: "v" }], bucketId: idBytes(bucketId) });
  });
});

describe("removing a bucket", () => {
  test("is refused while it holds an object, and can be taken back", async () => {
    await committed(put({ body: place() }));
    expect(await committed(closeBucket(author, bucketName, bucketSeen()))).toBe(true);
    expect(await committed(removeBucket(author, bucketName, bucketSeen()))).toBe(false);
    expect(await committed(reopenBucket(author, bucketName, bucketSeen()))).toBe(true);
    expect(bucketSeen().record.state).toBe(records.BucketState.OPEN);
    expect(bucketSeen().record.closingSession).toHaveLength(0);
    expect(await committed(put({ body: place("again") }))).toBe(true);
  });

  test("names the session that closes it", async () => {
    await committed(closeBucket(author, bucketName, bucketSeen()));
    expect(bucketSeen().record.closingSession).toEqual(idBytes(author.session));
  });

  test("takes open uploads with it: they are aborted, and their parts become garbage", async () => {
    const { change, uploadId } = createUpload(
      author,
      { bucketName, bucket: bucketSeen(), objectKey },
      { startedMs: 1 },
    );
    await committed(change);
    await committed(part(uploadId, 1, place("part1")));
    await committed(closeBucket(author, bucketName, bucketSeen()));
    expect(await committed(removeBucket(author, bucketName, bucketSeen()))).toBe(false);
    await committed(markUpload(author, seen(uploadId)));
    await committed(abortUpload(author, seen(uploadId), { parts: readParts(log.view, uploadId), repairs: [] }));
    expect(await committed(removeBucket(author, bucketName, bucketSeen()))).toBe(true);
    expect([readBucket(log.view, bucketName), garbageNames()]).toEqual([null, ["part1"]]);
    expect(log.view.usage(bucketId)).toEqual({ objectCount: 0, sizeBytes: 0, uploadCount: 0, partBytes: 0 });
  });

  test("lets a new bucket of the name inherit nothing", async () => {
    await committed(closeBucket(author, bucketName, bucketSeen()));
    await committed(removeBucket(author, bucketName, bucketSeen()));
    const again = createBucket(author, bucketName, { createdMs: 9 });
    expect(await committed(again.change)).toBe(true);
    expect(again.bucketId).not.toBe(bucketId);
  });
});

function seen(uploadId: UploadId): UploadSeen {
  const upload = readUpload(log.view, { bucketId, objectKey, uploadId });
  if (upload === null) throw new Error("no such upload");
  return { bucketId, objectKey, uploadId, upload };
}

function part(uploadId: UploadId, number: number, body: BodyPlaceInput, fields: Partial<PartEntryInput> = {}): Change {
  return putPart(author, seen(uploadId), {
    part: { number, sizeBytes: 9, md5: Buffer.alloc(16, number), body, ...fields },
    replaced: readPart(log.view, uploadId, number),
    repairs: [],
    replacedRepairs: [],
  });
}

async function startUpload(): Promise<UploadId> {
  const { change, uploadId } = createUpload(author, { bucketName, bucket: bucketSeen(), objectKey }, { startedMs: 1 });
  expect(await committed(change)).toBe(true);
  return uploadId;
}

function completion(uploadId: UploadId, listedNumbers: readonly number[]): Completion {
  const parts = readParts(log.view, uploadId);
  const isListed = (number: number | null | undefined): boolean => listedNumbers.includes(number ?? 0);
  const replaced = objectSeen();
  return {
    bucketName,
    bucket: bucketSeen(),
    replaced,
    replacedRepairs: replaced === null ? [] : repairKeysOf(log.view, replaced.record),
    listed: parts.filter((one) => isListed(one.record.part?.number)),
    unlisted: parts.filter((one) => !isListed(one.record.part?.number)),
    unlistedRepairs: [],
    content: { sizeBytes: 9 * listedNumbers.length, modifiedMs: 3 },
    partsDigest: partsDigest(listedNumbers.map((number) => ({ number, etag: "e" }))),
    answer: { completedMs: 4, etag: "tag-2" },
  };
}

describe("multipart uploads", () => {
  test("put a part again: the last one wins, and the other body is garbage", async () => {
    const uploadId = await startUpload();
    await committed(part(uploadId, 3, place("old")));
    await committed(part(uploadId, 3, place("new")));
    expect(namesOf(readParts(log.view, uploadId).map((one) => one.record.part?.body as BodyPlaceInput))).toEqual([
      "new",
    ]);
    expect(garbageNames()).toEqual(["old"]);
    expect(log.view.usage(bucketId)).toMatchObject({ uploadCount: 1, partBytes: 9 });
  });

  test("take no part once they are marked, and take parts again when the mark is removed", async () => {
    const uploadId = await startUpload();
    const late = part(uploadId, 1, place("late"));
    await committed(markUpload(author, seen(uploadId)));
    expect(await committed(late)).toBe(false);
    expect(() => part(uploadId, 1, place("later"))).toThrow("only while an upload is receiving");
    expect(seen(uploadId).upload.record.completingSession).toEqual(idBytes(author.session));
    await committed(unmarkUpload(author, seen(uploadId)));
    expect(await committed(part(uploadId, 1, place("in time")))).toBe(true);
  });

  test("become an object with the listed parts; the others, and what it replaces, are garbage", async () => {
    await committed(put({ body: place("before") }));
    const uploadId = await startUpload();
    for (const number of [1, 2, 5, 9]) await committed(part(uploadId, number, place(`part${number}`)));
    await committed(markUpload(author, seen(uploadId)));
    expect(await committed(completeUpload(author, seen(uploadId), completion(uploadId, [1, 5])))).toBe(true);
    const object = objectSeen()!.record;
    expect(object).toMatchObject({
      ordinal: 2,
      partCount: 2,
      sizeBytes: 18,
      uploadId: idBytes(uploadId),
      layoutPieces: 0,
    });
    expect(namesOf(partTableOf(log.view, object).map((one) => one.body as BodyPlaceInput))).toEqual(["part1", "part5"]);
    expect(garbageNames()).toEqual(["before", "part2", "part9"]);
    expect([rowCount("part"), rowCount("upload")]).toEqual([0, 0]);
    expect(readCompleted(log.view, uploadId)?.record).toMatchObject({ etag: "tag-2", completedMs: 4, objectKey });
    expect(log.view.usage(bucketId)).toEqual({ objectCount: 1, sizeBytes: 18, uploadCount: 0, partBytes: 0 });
  });

  test("complete only as they were marked", async () => {
    const uploadId = await startUpload();
    await committed(part(uploadId, 1, place("part1")));
    expect(() => completeUpload(author, seen(uploadId), completion(uploadId, [1]))).toThrow("marked before");
    await committed(markUpload(author, seen(uploadId)));
    const stale = completeUpload(author, seen(uploadId), completion(uploadId, [1]));
    await committed(unmarkUpload(author, seen(uploadId)));
    expect(await committed(stale)).toBe(false);
    expect(objectSeen()).toBeNull();
  });

  test("complete or abort, never both", async () => {
    const uploadId = await startUpload();
    await committed(part(uploadId, 1, place("part1")));
    await committed(markUpload(author, seen(uploadId)));
    const complete = completeUpload(author, seen(uploadId), completion(uploadId, [1]));
    const abort = abortUpload(author, seen(uploadId), { parts: readParts(log.view, uploadId), repairs: [] });
    expect([await committed(complete), await committed(abort)]).toEqual([true, false]);
    expect(garbageNames()).toEqual([]);
  });

  test("are gone without a trace but garbage when they are aborted", async () => {
    const uploadId = await startUpload();
    for (const number of [1, 2]) await committed(part(uploadId, number, place(`part${number}`)));
    await committed(markUpload(author, seen(uploadId)));
    const change = abortUpload(author, seen(uploadId), { parts: readParts(log.view, uploadId), repairs: [] });
    expect([change.purpose, await committed(change)]).toEqual(["free", true]);
    expect([rowCount("part"), rowCount("upload"), rowCount("garbage")]).toEqual([0, 0, 1]);
    expect(garbageNames()).toEqual(["part1", "part2"]);
  });

  test("of 10,000 parts complete, change tags, are overwritten and deleted, each in one change below 256 KiB a row", async () => {
    const uploadId = await startUpload();
    const count = 10_000;
    const seenUpload = seen(uploadId);
    for (let number = 1; number <= count; number++) {
      const change = putPart(author, seenUpload, {
        part: {
          number,
          sizeBytes: 9,
          md5: Buffer.alloc(16, number),
          body: place(`p${number}`),
          checksum: { kind: records.DigestKind.SHA256, value: Buffer.alloc(32, 7) },
        },
        replaced: null,
        repairs: [],
        replacedRepairs: [],
      });
      await log.commit(change);
    }
    await committed(markUpload(author, seen(uploadId)));
    const complete = completeUpload(
      author,
      seen(uploadId),
      completion(
        uploadId,
        Array.from({ length: count }, (_, i) => i + 1),
      ),
    );
    expect(complete.puts.length).toBeLessThan(20);
    for (const one of complete.puts) expect(one.value.byteLength).toBeLessThan(256 * 1024);
    const { revision } = log.status();
    expect(await committed(complete)).toBe(true);
    expect([log.status().revision, rowCount("part"), rowCount("layout") > 1]).toEqual([revision + 1, 0, true]);
    const object = objectSeen()!.record;
    expect(namesOf(partTableOf(log.view, object).map((one) => one.body as BodyPlaceInput))).toEqual(
      Array.from({ length: count }, (_, i) => `p${i + 1}`),
    );

    const tagged = setTags(author, { bucketId, objectKey }, objectSeen()!, [{ key: "k", value: "v" }]);
    expect(tagged.puts.reduce((sum, one) => sum + one.value.byteLength, 0)).toBeLessThan(500);
    expect(await committed(tagged)).toBe(true);
    expect(rowCount("garbage")).toBe(0);

    expect(await committed(put({ body: place("after") }))).toBe(true);
    expect(garbage().map((one) => one.garbage.record.layoutPieces)).toEqual([object.layoutPieces]);
    expect(rowCount("layout")).toBe(object.layoutPieces);
    expect(await committed(dropGarbage(author, garbage()))).toBe(true);
    expect([rowCount("layout"), rowCount("garbage")]).toEqual([0, 0]);
    expect(log.view.usage(bucketId)).toEqual({ objectCount: 1, sizeBytes: 0, uploadCount: 0, partBytes: 0 });
  });

  test("of 10,000 parts leave garbage in few rows when they are aborted", async () => {
    const parts = Array.from({ length: 10_000 }, (_, i) => ({
      record: records.PartRecord.decode(
        records.PartRecord.encode({ part: { number: i + 1, body: place(`p${i}`) } }).finish(),
      ),
      revision: 1,
    }));
    const uploadId = await startUpload();
    await committed(markUpload(author, seen(uploadId)));
    const change = abortUpload(author, seen(uploadId), { parts, repairs: [] });
    expect(change.puts).toHaveLength(3);
    for (const one of change.puts) expect(one.value.byteLength).toBeLessThan(256 * 1024);
    expect(await committed(change)).toBe(true);
    expect(garbageNames()).toHaveLength(10_000);
  });
});

describe("partsDigest()", () => {
  test("tells lists apart by number, order and ETag", () => {
    const base = [
      { number: 1, etag: "a" },
      { number: 2, etag: "b" },
    ];
    const lists = [
      base,
      [...base].reverse(),
      base.slice(0, 1),
      [{ number: 12, etag: "a" }],
      [{ number: 1, etag: "2 a" }],
      [
        { number: 1, etag: "b" },
        { number: 2, etag: "a" },
      ],
    ];
    expect(new Set(lists.map((list) => partsDigest(list).toString("hex"))).size).toBe(lists.length);
    expect(partsDigest(base)).toHaveLength(8);
  });
});

describe("rows of maintenance", () => {
  test("a repair is noted only for a body that its record still names", async () => {
    await committed(put({ body: place("one") }));
    const holder = { key: keys.current(bucketId, objectKey), revision: objectSeen()!.revision };
    await committed(put({ body: place("two") }));
    expect(await committed(noteRepair(author, repairOf(place("one")), { repair: null, holder }))).toBe(false);
  });

  test("a repair is dropped as it was seen, and only while its groups are as they were", async () => {
    await committed(put({ body: place("one") }));
    const holder = { key: keys.current(bucketId, objectKey), revision: objectSeen()!.revision };
    await committed(noteRepair(author, repairOf(place("one")), { repair: null, holder }));
    const dataId = dataIdOf(place("one"));
    const repair = readRepair(log.view, dataId)!;
    const groups = [{ key: keys.group(1, 7), revision: 55 }];
    expect(await committed(dropRepair(author, dataId, { repair, groups }))).toBe(false);
    expect(await committed(dropRepair(author, dataId, { repair, groups: [] }))).toBe(true);
    expect(await committed(dropRepair(author, dataId, { repair, groups: [] }))).toBe(false);
  });

  test("answers of Complete are dropped, many at once", async () => {
    const uploadId = await startUpload();
    await committed(markUpload(author, seen(uploadId)));
    await committed(completeUpload(author, seen(uploadId), completion(uploadId, [])));
    expect(await committed(dropCompleted(author, [{ uploadId, completed: readCompleted(log.view, uploadId)! }]))).toBe(
      true,
    );
    expect(rowCount("completed")).toBe(0);
  });
});
