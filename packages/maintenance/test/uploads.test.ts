import { describe, expect, test } from "vitest";
import { DAY_MS, HOUR_MS, idBytes, KIB, newId, type SessionId, type UploadId } from "@kakera/kernel";
import { createUpload, keys, markUpload, putPart, ranges, readBucket, readPart, readUpload } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { takeCensus } from "../src/census/take-census.ts";
import { collectGarbage } from "../src/garbage/collect-garbage.ts";
import { GarbageWatch } from "../src/garbage/garbage-watch.ts";
import { dropOldAnswers, tidyUploads } from "../src/uploads/tidy-uploads.ts";
import {
  bucketName,
  createTestCluster,
  dataIdOf,
  patternBytes,
  shardsOf,
  type TestCluster,
} from "./kit/test-cluster.ts";

const staleAgeMs = 7 * DAY_MS;
const objectKey = Buffer.from("up");

async function open(cluster: TestCluster): Promise<UploadId> {
  const { change, uploadId } = createUpload(
    cluster.author,
    { bucketName, bucket: readBucket(cluster.log.view, bucketName)!, objectKey },
    { startedMs: cluster.clock.nowMs() },
  );
  await cluster.commit(change);
  return uploadId;
}

function seen(cluster: TestCluster, uploadId: UploadId) {
  const place = { bucketId: cluster.bucketId, objectKey, uploadId };
  return { ...place, upload: readUpload(cluster.log.view, place)! };
}

async function addPart(cluster: TestCluster, uploadId: UploadId, number: number) {
  const body = await cluster.write("up", patternBytes(300 * KIB, number));
  const part = {
    number,
    sizeBytes: body.sizeBytes,
    modifiedMs: cluster.clock.nowMs(),
    body: body.kind === "chunks" ? body.place : null,
  };
  const replaced = readPart(cluster.log.view, uploadId, number);
  await cluster.commit(
    putPart(cluster.author, seen(cluster, uploadId), { part, replaced, repairs: [], replacedRepairs: [] }),
  );
  cluster.bodies.settle([body]);
  return dataIdOf(body);
}

const isOpen = (cluster: TestCluster, uploadId: UploadId): boolean =>
  readUpload(cluster.log.view, { bucketId: cluster.bucketId, objectKey, uploadId }) !== null;

describe("uploads", () => {
  test("that nobody added a part to for the stale age are aborted, and their parts become garbage", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const uploadId = await open(cluster);
    const dataIds = [await addPart(cluster, uploadId, 1), await addPart(cluster, uploadId, 2)];
    cluster.clock.advance(staleAgeMs - 1_000);
    expect(await cluster.run(tidyUploads(cluster.parts, staleAgeMs))).toBe(0);
    cluster.clock.advance(2_000);
    expect(await cluster.run(tidyUploads(cluster.parts, staleAgeMs))).toBe(1);
    expect(isOpen(cluster, uploadId)).toBe(false);
    const watch = new GarbageWatch({ clock: cluster.clock, reads: cluster.bodies.reads }, { graceMs: 0 });
    await cluster.run(collectGarbage(cluster.parts, watch));
    for (const dataId of dataIds) expect(await shardsOf(cluster, dataId)).toEqual([]);
  });

  test("live as long as parts come, however old they are", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const uploadId = await open(cluster);
    await addPart(cluster, uploadId, 1);
    cluster.clock.advance(staleAgeMs - 1_000);
    await addPart(cluster, uploadId, 2);
    cluster.clock.advance(2_000);
    expect(await cluster.run(tidyUploads(cluster.parts, staleAgeMs))).toBe(0);
    expect(isOpen(cluster, uploadId)).toBe(true);
  });

  test("marked by a session that is gone are unmarked, those of a living one are left to it", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const uploadId = await open(cluster);
    const dead: SessionId = newId("session", cluster.author.random);
    await cluster.commit(markUpload({ ...cluster.author, session: dead }, seen(cluster, uploadId)));
    await cluster.run(tidyUploads(cluster.parts, staleAgeMs));
    expect(seen(cluster, uploadId).upload.record.state).toBe(records.UploadState.RECEIVING);
    await cluster.commit(markUpload(cluster.author, seen(cluster, uploadId)));
    cluster.clock.advance(2 * staleAgeMs);
    await cluster.run(tidyUploads(cluster.parts, staleAgeMs));
    expect(seen(cluster, uploadId).upload.record.state).toBe(records.UploadState.COMPLETING);
  });

  test("are references: a census counts their parts, and never takes them for orphans", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const uploadId = await open(cluster);
    const dataId = await addPart(cluster, uploadId, 1);
    const [first] = await shardsOf(cluster, dataId);
    await cluster.drives[first!.driveIndex]!.drive.remove([first!.ref]);
    const { report, orphansRemoved } = await cluster.run(takeCensus(cluster.parts, { covers: () => true }));
    expect(report).toMatchObject({ chunkCount: 1, chunksByMissing: [0, 1] });
    expect(orphansRemoved).toBe(0);
    expect(cluster.parts.backlog.waitingCount).toBe(1);
  });
});

describe("answers of Complete", () => {
  test("are dropped when they are a day old", async () => {
    const cluster = await createTestCluster({ geometry: { k: 2, m: 1 } });
    const addAnswer = async (): Promise<void> => {
      const value = records.CompletedRecord.encode({
        bucketId: idBytes(cluster.bucketId),
        objectKey,
        completedMs: cluster.clock.nowMs(),
      }).finish();
      const key = keys.completed(newId("upload", cluster.author.random));
      await cluster.commit({
        id: newId("change", cluster.author.random),
        purpose: "write",
        compares: [{ key, revision: 0 }],
        puts: [{ key, value }],
        deletes: [],
      });
    };
    await addAnswer();
    cluster.clock.advance(23 * HOUR_MS);
    await addAnswer();
    expect(await cluster.run(dropOldAnswers(cluster.parts))).toBe(0);
    cluster.clock.advance(1 * HOUR_MS);
    expect(await cluster.run(dropOldAnswers(cluster.parts))).toBe(1);
    const { from, to } = ranges.table("completed");
    expect(cluster.log.view.range(from, to, 10)).toHaveLength(1);
  });
});
