import { createHash, randomFillSync } from "node:crypto";
import { Readable } from "node:stream";
import { Client } from "minio";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, testCredentials, type TestServer } from "../harness/server.ts";

const bytes = (count: number): Buffer => randomFillSync(Buffer.alloc(count));

async function collect(stream: Readable): Promise<Buffer> {
  const slices: Buffer[] = [];
  for await (const slice of stream) slices.push(slice as Buffer);
  return Buffer.concat(slices);
}

describe("the minio package", () => {
  let server: TestServer;
  let client: Client;

  beforeAll(async () => {
    server = await startServer();
    client = new Client({ endPoint: "127.0.0.1", port: server.port, useSSL: false, ...testCredentials });
    await client.makeBucket("bucket");
  });
  afterAll(() => server.dispose());

  test("sees the bucket that it made", async () => {
    expect(await client.bucketExists("bucket")).toBe(true);
    expect(await client.bucketExists("none")).toBe(false);
    expect((await client.listBuckets()).map((bucket) => bucket.name)).toContain("bucket");
  });

  test.each([0, 1, 1024, 4096, 40_000, 300_000, 3_000_000])("gets back the %d bytes that it put", async (size) => {
    const body = bytes(size);
    const { etag } = await client.putObject("bucket", `size/${size}`, body);
    expect(etag).toBe(createHash("md5").update(body).digest("hex"));
    expect(Buffer.compare(await collect(await client.getObject("bucket", `size/${size}`)), body)).toBe(0);
    expect((await client.statObject("bucket", `size/${size}`)).size).toBe(size);
  });

  test("puts a stream of unknown length as multipart and reads a range of it", async () => {
    const body = bytes(20 * 1024 * 1024);
    await client.putObject("bucket", "stream", Readable.from([body.subarray(0, 7_000_001), body.subarray(7_000_001)]));
    expect(Buffer.compare(await collect(await client.getObject("bucket", "stream")), body)).toBe(0);
    const range = await collect(await client.getPartialObject("bucket", "stream", 10_000_000, 123_457));
    expect(Buffer.compare(range, body.subarray(10_000_000, 10_123_457))).toBe(0);
  });

  test("keeps user metadata and content type", async () => {
    await client.putObject("bucket", "meta", Buffer.from("x"), 1, {
      "Content-Type": "text/x-test",
      "X-Amz-Meta-Colour": "green",
    });
    const stat = await client.statObject("bucket", "meta");
    expect(stat.metaData["content-type"]).toBe("text/x-test");
    expect(stat.metaData.colour).toBeDefined();
  });

  test("lists keys and prefixes", async () => {
    for (const key of ["l/a", "l/b/1", "l/b/2", "l/c"]) await client.putObject("bucket", key, "x");
    const listed: string[] = [];
    for await (const item of client.listObjectsV2("bucket", "l/", false))
      listed.push((item as { name?: string; prefix?: string }).name ?? (item as { prefix: string }).prefix);
    expect(listed.toSorted()).toEqual(["l/a", "l/b/", "l/c"]);
    const all: string[] = [];
    for await (const item of client.listObjectsV2("bucket", "l/", true)) all.push((item as { name: string }).name);
    expect(all).toEqual(["l/a", "l/b/1", "l/b/2", "l/c"]);
  });

  test("reads and writes through presigned URLs", async () => {
    const url = await client.presignedPutObject("bucket", "presigned file+1", 60);
    expect((await fetch(url, { method: "PUT", body: "hello" })).status).toBe(200);
    const got = await fetch(await client.presignedGetObject("bucket", "presigned file+1", 60));
    expect(await got.text()).toBe("hello");
  });

  test("removes objects, one and many, and the bucket", async () => {
    await client.removeObject("bucket", "meta");
    await expect(client.statObject("bucket", "meta")).rejects.toMatchObject({ code: "NotFound" });
    const names: string[] = [];
    for await (const item of client.listObjectsV2("bucket", "", true)) names.push((item as { name: string }).name);
    await client.removeObjects("bucket", names);
    await client.removeBucket("bucket");
    expect(await client.bucketExists("bucket")).toBe(false);
  });
});
