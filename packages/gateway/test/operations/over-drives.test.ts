import { createHash } from "node:crypto";
import { ClusterFailure, KIB, MIB } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { RawConnection } from "../fakes/raw-client.ts";
import { S3Client, type S3Answer } from "../fakes/s3-client.ts";
import { root, startGateway, type TestGateway } from "../fakes/start-gateway.ts";
import { createTestStore, patternBytes, underClock, type TestStore } from "../fakes/test-store.ts";

interface OverDrives extends AsyncDisposable {
  readonly client: S3Client;
  readonly store: TestStore;
  readonly gateway: TestGateway;
}

/** The whole gateway: S3 over a socket, the real data path, drives and log in memory. */
async function startOverDrives(geometry: { k: number; m: number }, memoryBytes = 96 * MIB): Promise<OverDrives> {
  const store = await createTestStore({ geometry, memoryBytes });
  const { log, bodies, clock } = store;
  const gateway = await startGateway({ minPartBytes: 1, components: { log, bodies, clock } });
  const client = new S3Client(gateway.port, root, () => clock.nowMs());
  expect((await client.call({ method: "PUT", bucket: "b-1" })).status).toBe(200);
  return { client, store, gateway, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

const put = (client: S3Client, key: string, body: Buffer): Promise<S3Answer> =>
  client.call({ method: "PUT", bucket: "b-1", key, body, payload: "streaming" });
const get = (client: S3Client, key: string, headers: Record<string, string> = {}): Promise<S3Answer> =>
  client.call({ method: "GET", bucket: "b-1", key, headers });
const shardCount = (store: TestStore): number => store.drives.reduce((count, drive) => count + drive.shards.size, 0);

describe.each([
  { k: 1, m: 1 },
  { k: 2, m: 2 },
  { k: 4, m: 2 },
])("S3 over the data path, $k+$m", (geometry) => {
  it("bodies of every form go in and out whole, and by range", async () => {
    await using over = await startOverDrives(geometry);
    const { client, store } = over;
    const freeBytes = store.freeMemoryBytes();
    for (const sizeBytes of [0, 1, 1024, 1025, 32 * KIB, 32 * KIB + 1, 1 * MIB + 5, 9 * MIB + 3]) {
      const body = patternBytes(sizeBytes, sizeBytes + 1);
      const stored = await put(client, "k", body);
      expect([stored.status, stored.headers.get("etag")]).toEqual([
        200,
        `"${createHash("md5").update(body).digest("hex")}"`,
      ]);
      expect((await get(client, "k")).body.equals(body)).toBe(true);
      if (sizeBytes < 10) continue;
      const [first, last] = [Math.floor(sizeBytes / 3), sizeBytes - 2];
      const range = await get(client, "k", { range: `bytes=${first}-${last}` });
      expect([range.status, range.body.equals(body.subarray(first, last + 1))]).toEqual([206, true]);
    }
    expect(store.freeMemoryBytes()).toBe(freeBytes);
    expect(store.drives.flatMap((drive) => drive.violations)).toEqual([]);
  });

  it("a multipart object is read across its parts, and its copy is one body with its own MD5", async () => {
    await using over = await startOverDrives(geometry);
    const { client } = over;
    const uploadId = (await client.call({ method: "POST", target: "/b-1/k?uploads" })).xml("UploadId");
    const bodies = [patternBytes(3 * MIB, 1), patternBytes(700, 2), patternBytes(2 * MIB + 9, 3)];
    const parts = await Promise.all(
      bodies.map(async (body, i) => {
        const answer = await client.call({
          method: "PUT",
          target: `/b-1/k?partNumber=${i + 1}&uploadId=${uploadId}`,
          body,
        });
        return `<Part><PartNumber>${i + 1}</PartNumber><ETag>${answer.headers.get("etag")}</ETag></Part>`;
      }),
    );
    const document = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
    expect((await client.call({ method: "POST", target: `/b-1/k?uploadId=${uploadId}`, body: document })).status).toBe(
      200,
    );
    const whole = Buffer.concat(bodies);
    expect((await get(client, "k")).body.equals(whole)).toBe(true);
    const [first, last] = [3 * MIB - 10, 3 * MIB + 800];
    expect(
      (await get(client, "k", { range: `bytes=${first}-${last}` })).body.equals(whole.subarray(first, last + 1)),
    ).toBe(true);
    const copied = await client.call({
      method: "PUT",
      target: "/b-1/copy",
      headers: { "x-amz-copy-source": "/b-1/k" },
    });
    expect([copied.status, copied.xml("ETag")]).toEqual([200, `"${createHash("md5").update(whole).digest("hex")}"`]);
    expect((await get(client, "copy")).body.equals(whole)).toBe(true);
  });

  it("a PUT that is refused, or whose client goes away, leaves no shard and no memory behind", async () => {
    await using over = await startOverDrives(geometry);
    const { client, store, gateway } = over;
    await put(client, "k", patternBytes(100));
    const freeBytes = store.freeMemoryBytes();
    const md5 = createHash("md5").update("other").digest("base64");
    const refused = await client.call({
      method: "PUT",
      bucket: "b-1",
      key: "k",
      body: patternBytes(3 * MIB),
      headers: { "content-md5": md5 },
    });
    expect(refused.code).toBe("BadDigest");
    const wire = client.wire({ method: "PUT", bucket: "b-1", key: "k", body: patternBytes(3 * MIB) });
    const connection = await RawConnection.open(gateway.port);
    connection.send(wire.head);
    connection.send(wire.body.subarray(0, 2 * MIB));
    await eventually(() => store.freeMemoryBytes() < freeBytes, "the body is being written");
    connection.destroy();
    await eventually(
      () => gateway.gateway.inFlightCount === 0 && store.freeMemoryBytes() === freeBytes,
      "all is given back",
    );
    await eventually(() => shardCount(store) === 0, "no shard is left");
    expect((await get(client, "k")).body.equals(patternBytes(100))).toBe(true);
  });

  it("a reader that goes away gives the memory back", async () => {
    await using over = await startOverDrives(geometry);
    const { client, store, gateway } = over;
    await put(client, "k", patternBytes(24 * MIB));
    const freeBytes = store.freeMemoryBytes();
    const connection = await RawConnection.open(gateway.port);
    connection.socket.pause();
    connection.send(client.wire({ method: "GET", bucket: "b-1", key: "k" }).head);
    await eventually(() => store.freeMemoryBytes() < freeBytes, "the object is being read");
    connection.destroy();
    await eventually(
      () => gateway.gateway.inFlightCount === 0 && store.freeMemoryBytes() === freeBytes,
      "all is given back",
    );
  });
});

describe("S3 in little memory", () => {
  it("many copies at once each get what they read and write with, and none waits for another for ever", async () => {
    // One copy reads with 12 MiB and writes with 10: the reading ends of three alone would fill the budget.
    await using over = await startOverDrives({ k: 2, m: 2 }, 48 * MIB);
    const { client, store } = over;
    const freeBytes = store.freeMemoryBytes();
    const body = patternBytes(3 * MIB);
    await put(client, "k", body);
    const uploadId = (await client.call({ method: "POST", target: "/b-1/parts?uploads" })).xml("UploadId");
    const headers = { "x-amz-copy-source": "/b-1/k" };
    // So that all of them have begun before the first is done.
    for (const drive of store.drives)
      drive.fate = (operation) => (operation === "read" ? { kind: "late", byMs: 20 } : { kind: "ok" });
    const targets = [0, 1, 2, 3].flatMap((i) => [
      `/b-1/copy-${i}`,
      `/b-1/parts?partNumber=${i + 1}&uploadId=${uploadId}`,
    ]);
    const copies = targets.map((target) => client.call({ method: "PUT", target, headers }));
    const answers = await underClock(store.clock, Promise.all(copies));
    expect(answers.map(({ status, code }) => [status, code])).toEqual(targets.map(() => [200, undefined]));
    for (const drive of store.drives) drive.fate = () => ({ kind: "ok" });
    for (const i of [0, 1, 2, 3]) expect((await get(client, `copy-${i}`)).body.equals(body)).toBe(true);
    const isAllBack = eventually(() => store.freeMemoryBytes() === freeBytes, "all is given back");
    await underClock(store.clock, isAllBack);
  });

  it.each(["GET", "PUT"] as const)(
    "clients that stall in the middle of a large %s leave room for small bodies",
    async (method) => {
      await using over = await startOverDrives({ k: 2, m: 2 });
      const { client, store, gateway } = over;
      const freeBytes = store.freeMemoryBytes();
      const body = patternBytes(20 * MIB);
      const small = patternBytes(256 * KIB, 2);
      await put(client, "k", body);
      await put(client, "small", small);
      // One holds 10 or 12 MiB of 72.
      const stalled = await Promise.all(Array.from({ length: 9 }, () => RawConnection.open(gateway.port)));
      for (const connection of stalled) {
        connection.socket.pause();
        const upload = method === "PUT" ? ({ body, payload: "unsigned" } as const) : {};
        const wire = client.wire({ method, bucket: "b-1", key: "k", ...upload });
        connection.send(wire.head);
        connection.send(wire.body.subarray(0, 100));
      }
      await eventually(() => gateway.gateway.inFlightCount === 9, "all of them are being served");
      expect((await put(client, "small-2", small)).status).toBe(200);
      expect((await get(client, "small")).body.equals(small)).toBe(true);
      for (const connection of stalled) connection.destroy();
      await eventually(() => gateway.gateway.inFlightCount === 0, "nothing is left in flight");
      await eventually(() => store.freeMemoryBytes() === freeBytes, "all is given back");
    },
  );

  it("a copy goes through where there is memory for a read or for a write, and not for all of both", async () => {
    await using over = await startOverDrives({ k: 2, m: 2 }, 28 * MIB);
    const { client, store } = over;
    const body = patternBytes(9 * MIB + 7);
    await put(client, "k", body);
    const headers = { "x-amz-copy-source": "/b-1/k" };
    const copied = await underClock(store.clock, client.call({ method: "PUT", target: "/b-1/copy", headers }));
    expect([copied.status, copied.code]).toEqual([200, undefined]);
    expect((await get(client, "copy")).body.equals(body)).toBe(true);
  });
});

describe("S3 over drives that fail", () => {
  it("with m drives gone every object is read; with one more it is 503, never 404 and never a wrong byte", async () => {
    await using over = await startOverDrives({ k: 2, m: 2 });
    const { client, store } = over;
    const body = patternBytes(3 * MIB);
    await put(client, "k", body);
    const failing = (count: number): void => {
      for (const drive of store.drives.slice(0, count))
        drive.fate = () => ({
          kind: "fail",
          failure: new ClusterFailure("retry", "the drive is gone", { reason: "DRIVE_OFFLINE" }),
        });
    };
    failing(2);
    expect((await get(client, "k")).body.equals(body)).toBe(true);
    failing(3);
    const lost = await underClock(store.clock, get(client, "k"));
    expect([lost.status, lost.headers.get("retry-after")]).toEqual([503, "5"]);
    expect((await client.call({ method: "HEAD", bucket: "b-1", key: "k" })).status).toBe(200);
  });

  it("what is damaged on a drive is never sent", async () => {
    await using over = await startOverDrives({ k: 2, m: 1 });
    const { client, store } = over;
    const body = patternBytes(3 * MIB);
    await put(client, "k", body);
    const drive = store.drives[0];
    if (drive === undefined) throw new Error("no drive");
    drive.fate = (operation) => (operation === "read" ? { kind: "corrupt" } : { kind: "ok" });
    expect((await get(client, "k")).body.equals(body)).toBe(true);
  });
});
