import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createSeededRandom, MIB, type BucketId } from "@kakera/kernel";
import {
  records,
  type BodyPlaceInput,
  type BucketRecord,
  type GarbageRecord,
  type ObjectRecord,
  type PartEntryInput,
} from "@kakera/protocol";
import {
  completeUpload,
  createBucket,
  createUpload,
  deleteObject,
  dropGarbage,
  keys,
  markUpload,
  openLmdbView,
  partsDigest,
  partTableOf,
  putPart,
  ranges,
  readBucket,
  readObject,
  readParts,
  readUpload,
  type Author,
  type JournalLog,
  type Seen,
  type UploadSeen,
  type WritableView,
} from "../src/index.ts";
import { idFromBytes } from "@kakera/kernel";
import { JournalDrives } from "./journal-drives.ts";

const partCount = 10_000;
const objectKey = Buffer.from("large");
let directory: string;
let view: WritableView;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "kakera-large-"));
  view = openLmdbView({ directory, mapSizeBytes: 2 ** 30 });
});
afterEach(async () => {
  await view.close();
  rmSync(directory, { recursive: true, force: true });
});

const body = (number: number): BodyPlaceInput => ({
  dataId: Buffer.from(String(number).padStart(16, "0")),
  pool: 1,
  sizeBytes: 9,
});

async function upload(log: JournalLog, author: Author): Promise<{ bucketId: BucketId; seen: () => UploadSeen }> {
  const bucket = createBucket(author, "bucket", { createdMs: 1 });
  await log.commit(bucket.change);
  const place = { bucketName: "bucket", bucket: readBucket(log.view, "bucket") as Seen<BucketRecord>, objectKey };
  const created = createUpload(author, place, { startedMs: 1 });
  await log.commit(created.change);
  const ids = { bucketId: bucket.bucketId, objectKey, uploadId: created.uploadId };
  const seen = (): UploadSeen => ({ ...ids, upload: readUpload(log.view, ids) as UploadSeen["upload"] });
  const receiving = seen();
  const commits = Array.from({ length: partCount }, (_, i) => {
    const part: PartEntryInput = { number: i + 1, sizeBytes: 9, md5: Buffer.alloc(16, i), body: body(i + 1) };
    return log.commit(putPart(author, receiving, { part, replaced: null, repairs: [], replacedRepairs: [] }));
  });
  for (const result of await Promise.all(commits)) expect(result.outcome).toBe("committed");
  return { bucketId: bucket.bucketId, seen };
}

test("an object of 10,000 parts is completed, found after a restart, deleted and cleared away", async () => {
  const settings = { fileSizeBytes: MIB, batchBytesMax: 256 * 1024, backlogBytesMax: 4 * MIB };
  const drives = new JournalDrives(3, 1);
  const log = await drives.open({ view, settings });
  const author: Author = { random: createSeededRandom(4), session: log.session };
  const { bucketId, seen } = await upload(log, author);
  await log.commit(markUpload(author, seen()));
  const change = completeUpload(author, seen(), {
    bucketName: "bucket",
    bucket: readBucket(log.view, "bucket") as Seen<BucketRecord>,
    replaced: null,
    replacedRepairs: [],
    listed: readParts(log.view, seen().uploadId),
    unlisted: [],
    unlistedRepairs: [],
    content: { sizeBytes: 9 * partCount },
    partsDigest: partsDigest([]),
    answer: { etag: "e" },
  });
  expect((await log.commit(change)).outcome).toBe("committed");
  expect(log.view.usage(bucketId)).toEqual({ objectCount: 1, sizeBytes: 9 * partCount, uploadCount: 0, partBytes: 0 });
  await log.close();

  view.clear();
  const again = await drives.open({ view, settings, start: "open" });
  const object = readObject(again.view, bucketId, objectKey) as Seen<ObjectRecord>;
  expect(partTableOf(again.view, object.record).map((part) => part.number)).toEqual(
    Array.from({ length: partCount }, (_, i) => i + 1),
  );
  await again.commit(deleteObject(author, bucketId, { key: keys.current(bucketId, objectKey), object, repairs: [] }));
  const table = ranges.table("garbage");
  const dropped = again.view.range(table.from, table.to, 10).map((entry) => ({
    id: idFromBytes("task", entry.key.subarray(1)),
    garbage: { record: records.GarbageRecord.decode(entry.value) as GarbageRecord, revision: entry.revision },
  }));
  expect((await again.commit(dropGarbage(author, dropped))).outcome).toBe("committed");
  // Nothing is left but the bucket and the answer of Complete.
  expect(again.view.entryCount).toBe(2);
  await again.close();
});
