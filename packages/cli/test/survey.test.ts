import { describe, expect, test } from "vitest";
import { createManualClock, createSeededRandom, newId, type BucketId } from "@kakera/kernel";
import { createMemoryView, keys, type ViewWrite, type WritableView } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { idBytes } from "@kakera/kernel";
import { ObjectSurvey } from "../src/survey/object-survey.ts";
import { SurveyTally } from "../src/survey/survey-tally.ts";

const random = createSeededRandom(3);

function viewOf(buckets: Readonly<Record<string, Readonly<Record<string, number>>>>): WritableView {
  const view = createMemoryView();
  const writes: ViewWrite[] = [];
  for (const [name, objects] of Object.entries(buckets)) {
    const bucketId: BucketId = newId("bucket", random);
    const bucket = records.BucketRecord.encode({ bucketId: idBytes(bucketId), createdMs: 1 }).finish();
    writes.push({ kind: "put", key: keys.bucket(name), value: bucket, revision: 1 });
    for (const [key, sizeBytes] of Object.entries(objects)) {
      const value = records.ObjectRecord.encode({ sizeBytes }).finish();
      writes.push({ kind: "put", key: keys.current(bucketId, Buffer.from(key)), value, revision: 1 });
    }
  }
  view.apply({
    revision: 1,
    position: { logId: "log", revision: 1, term: 1, sequence: 1, checksum: "" },
    writes,
  });
  return view;
}

const countsOf = (survey: ObjectSurvey, bucket: string): readonly number[] | undefined =>
  survey.report?.objectsBySize.get(bucket);

describe("a walk over all objects", () => {
  test("counts the objects of each bucket by size, an empty bucket's too", async () => {
    const objects = { "a/1": 0, "a/2": 1023, "a/3": 1024, b: 600 * 1024, c: 5 * 2 ** 20, d: 2 ** 30 };
    const view = viewOf({ one: objects, empty: {} });
    const survey = new ObjectSurvey({ clock: createManualClock(5_000), view: () => view });
    await survey.walk(new AbortController().signal);
    expect(countsOf(survey, "one")).toEqual([2, 1, 0, 0, 1, 1, 0, 0, 0, 1]);
    expect(countsOf(survey, "empty")).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(survey.counts).toEqual({ bucketsStarted: 2, bucketsFinished: 2, objects: 6 });
    expect(survey.report?.endedMs).toBe(5_000);
  });

  test("comes to its end over more objects than a slice has, each counted once", async () => {
    const objects = Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`k${i}`, 10]));
    const view = viewOf({ one: objects });
    const clock = createManualClock(0);
    const survey = new ObjectSurvey({ clock, view: () => view });
    const walk = survey.walk(new AbortController().signal);
    for (let slice = 0; slice < 3; slice++) {
      await Promise.resolve();
      clock.advance(1_000);
      await new Promise(setImmediate);
    }
    await walk;
    expect(countsOf(survey, "one")?.[0]).toBe(1500);
    expect(survey.counts.objects).toBe(1500);
  });

  test("tells nothing while there is no whole view", async () => {
    const survey = new ObjectSurvey({ clock: createManualClock(0), view: () => null });
    await survey.walk(new AbortController().signal);
    expect(survey.report).toBeNull();
    expect(survey.counts.bucketsStarted).toBe(0);
  });
});

describe("what Milvus stores", () => {
  test("is told by kind, and by collection where the key names one", async () => {
    const view = viewOf({
      milvus: {
        "files/insert_log/100/2/3/0/9": 10,
        "files/insert_log/100/2/4/0/10": 5,
        "files/insert_log/200/2/4/0/10": 1,
        "files/index_files/77/1/2/3/HNSW_0": 7,
        "files/wp/5/0/1": 3,
        "other/file": 100,
      },
    });
    const survey = new ObjectSurvey({ clock: createManualClock(0), view: () => view });
    await survey.walk(new AbortController().signal);
    const told = survey.report?.milvus.map(({ kind, collection, objectCount, sizeBytes }) => [
      kind,
      collection,
      objectCount,
      sizeBytes,
    ]);
    expect(told).toEqual([
      ["index_files", null, 1, 7],
      ["insert_log", "100", 2, 15],
      ["insert_log", "200", 1, 1],
      ["wp", null, 1, 3],
    ]);
  });

  test("is told of the 50 largest by name, and of all the others together", () => {
    const tally = new SurveyTally();
    tally.begin("m");
    for (let collection = 1; collection <= 60; collection++)
      tally.add("m", { key: `insert_log/${collection}/1/1/1`, sizeBytes: collection });
    const { milvus } = tally.report(0);
    expect(milvus).toHaveLength(51);
    expect(milvus.find(({ collection }) => collection === "others")).toMatchObject({ objectCount: 10, sizeBytes: 55 });
    expect(milvus.some(({ collection }) => collection === "10")).toBe(false);
  });
});
