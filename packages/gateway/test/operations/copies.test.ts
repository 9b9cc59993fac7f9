import { createHash } from "node:crypto";
import { ClusterFailure, createSeededRandom, idFromBytes } from "@kakera/kernel";
import { readBucket, readObject, setTags, type MemoryLog, type View } from "@kakera/metadata";
import { describe, expect, it } from "vitest";
import type { S3Answer } from "../fakes/s3-client.ts";
import { createSlowLog } from "../fakes/slow-log.ts";
import { eventually } from "../fakes/eventually.ts";
import { contentOf, startWithBucket, type TestGateway } from "../fakes/start-gateway.ts";

const body = "0123456789".repeat(500);
const etag = `"${createHash("md5").update(body).digest("hex")}"`;

async function withSource(): Promise<TestGateway> {
  const gateway = await startWithBucket();
  await gateway.client.call({ method: "PUT", bucket: "b-2" });
  await gateway.client.call({
    method: "PUT",
    bucket: "b-1",
    key: "src",
    body,
    headers: { "content-type": "text/x", "x-amz-meta-a": "1", "x-amz-tagging": "t=1", "cache-control": "no-store" },
  });
  return gateway;
}

const copy = (gateway: TestGateway, headers: Record<string, string>, target = "/b-2/dst"): Promise<S3Answer> =>
  gateway.client.call({ method: "PUT", target, headers: { "x-amz-copy-source": "/b-1/src", ...headers } });

describe("line 33: CopyObject", () => {
  it.each(["/b-1/src", "b-1/src", "%2Fb-1%2Fsrc", "b-1/src?versionId=null"])(
    "from %s copies bytes, headers, metadata and tags",
    async (source) => {
      await using gateway = await withSource();
      gateway.clock.advance(10_000);
      const answer = await copy(gateway, {
        "x-amz-copy-source": source,
        "content-type": "ignored/x",
        "x-amz-meta-b": "ignored",
      });
      expect([answer.status, answer.xml("ETag"), answer.xml("LastModified")]).toEqual([
        200,
        etag,
        "2026-03-04T05:06:17.890Z",
      ]);
      const copied = await gateway.client.call({ method: "GET", bucket: "b-2", key: "dst" });
      expect([
        copied.text === body,
        copied.headers.get("content-type"),
        copied.headers.get("x-amz-meta-a"),
        copied.headers.has("x-amz-meta-b"),
      ]).toEqual([true, "text/x", "1", false]);
      expect([copied.headers.get("x-amz-tagging-count"), copied.headers.get("cache-control")]).toEqual([
        "1",
        "no-store",
      ]);
      // New chunks, never shared: the source may go.
      expect(gateway.bodies.stored.size).toBe(2);
    },
  );

  it("REPLACE takes only what is sent, the default type again; tags follow their own directive", async () => {
    await using gateway = await withSource();
    await copy(gateway, { "x-amz-metadata-directive": "REPLACE", "x-amz-meta-b": "2" });
    const replaced = await gateway.client.call({ method: "HEAD", bucket: "b-2", key: "dst" });
    expect([
      replaced.headers.get("content-type"),
      replaced.headers.has("x-amz-meta-a"),
      replaced.headers.get("x-amz-meta-b"),
      replaced.headers.get("x-amz-tagging-count"),
    ]).toEqual(["binary/octet-stream", false, "2", "1"]);
    await copy(gateway, { "x-amz-tagging-directive": "REPLACE", "x-amz-tagging": "u=1&v=2" });
    expect((await gateway.client.call({ method: "GET", target: "/b-2/dst?tagging" })).xmlAll("Key")).toEqual([
      "u",
      "v",
    ]);
  });

  it.each([
    ["broken percent", { "x-amz-copy-source": "/b-1/%zz" }, 400, "InvalidArgument"],
    ["no key", { "x-amz-copy-source": "/b-1" }, 400, "InvalidArgument"],
    ["source gone", { "x-amz-copy-source": "/b-1/none" }, 404, "NoSuchKey"],
    ["bucket gone", { "x-amz-copy-source": "/none/src" }, 404, "NoSuchBucket"],
    ["another directive", { "x-amz-metadata-directive": "KEEP" }, 400, "InvalidArgument"],
    ["another tagging directive", { "x-amz-tagging-directive": "KEEP" }, 400, "InvalidArgument"],
    ["source If-Match differs", { "x-amz-copy-source-if-match": '"x"' }, 412, "PreconditionFailed"],
    ["source If-None-Match holds", { "x-amz-copy-source-if-none-match": etag }, 412, "PreconditionFailed"],
    [
      "source not modified",
      { "x-amz-copy-source-if-modified-since": "Wed, 04 Mar 2026 05:06:07 GMT" },
      412,
      "PreconditionFailed",
    ],
    ["source from another bucket by ..", { "x-amz-copy-source": "/b-2/../b-1/src" }, 400, "InvalidArgument"],
    ["unknown version", { "x-amz-copy-source": "/b-1/src?versionId=abc" }, 404, "NoSuchVersion"],
  ])("%s", async (_, headers, status, code) => {
    await using gateway = await withSource();
    const before = contentOf(gateway.view);
    const answer = await copy(gateway, headers as Record<string, string>);
    expect([answer.status, answer.code]).toEqual([status, code]);
    expect([contentOf(gateway.view), gateway.bodies.stored.size]).toEqual([before, 1]);
  });

  it("onto itself needs REPLACE, and then moves no byte", async () => {
    await using gateway = await withSource();
    expect((await copy(gateway, {}, "/b-1/src")).code).toBe("InvalidRequest");
    expect((await copy(gateway, { "x-amz-copy-source": "/b-1/none" }, "/b-1/none")).code).toBe("NoSuchKey");
    const [chunks, writes] = [[...gateway.bodies.stored.keys()], gateway.bodies.writeCount];
    gateway.clock.advance(10_000);
    const answer = await copy(gateway, { "x-amz-metadata-directive": "REPLACE", "x-amz-meta-b": "2" }, "/b-1/src");
    expect([answer.status, answer.xml("ETag")]).toEqual([200, etag]);
    const head = await gateway.client.call({ method: "GET", bucket: "b-1", key: "src" });
    expect([head.text === body, head.headers.get("x-amz-meta-b"), head.headers.get("last-modified")]).toEqual([
      true,
      "2",
      "Wed, 04 Mar 2026 05:06:17 GMT",
    ]);
    expect([[...gateway.bodies.stored.keys()], gateway.bodies.writeCount]).toEqual([chunks, writes]);
    expect(contentOf(gateway.view).filter((row) => row.startsWith("67"))).toEqual([]);
  });

  it("conditions on the destination hold", async () => {
    await using gateway = await withSource();
    expect((await copy(gateway, { "if-none-match": "*" })).status).toBe(200);
    const again = await copy(gateway, { "if-none-match": "*" });
    expect([again.status, again.code]).toEqual([412, "PreconditionFailed"]);
    expect((await copy(gateway, { "if-match": '"x"' })).status).toBe(412);
    expect((await copy(gateway, { "if-match": etag })).status).toBe(200);
  });

  it("of an empty and of a small object", async () => {
    await using gateway = await withSource();
    for (const small of ["", "small"]) {
      await gateway.client.call({ method: "PUT", bucket: "b-1", key: "src", body: small });
      expect((await copy(gateway, {})).status).toBe(200);
      expect((await gateway.client.call({ method: "GET", bucket: "b-2", key: "dst" })).text).toBe(small);
    }
  });

  it("keeps the kind of checksum, or takes the one asked for", async () => {
    await using gateway = await withSource();
    const sha256 = createHash("sha256").update(body).digest("base64");
    await gateway.client.call({
      method: "PUT",
      bucket: "b-1",
      key: "src",
      body,
      headers: { "x-amz-checksum-sha256": sha256 },
    });
    expect((await copy(gateway, {})).xml("ChecksumSHA256")).toBe(sha256);
    const other = await copy(gateway, { "x-amz-checksum-algorithm": "SHA1" });
    expect(other.xml("ChecksumSHA1")).toBe(createHash("sha1").update(body).digest("base64"));
  });

  it("a slow one gets its head early and white space, and its result at the end", async () => {
    await using gateway = await withSource();
    const { promise, resolve } = Promise.withResolvers<void>();
    const reading = new Promise<void>((started) => {
      gateway.bodies.faults.beforeRead = () => {
        started();
        return promise;
      };
    });
    const slow = copy(gateway, {});
    await reading;
    for (let beat = 0; beat < 3; beat++) gateway.clock.advance(4_000);
    resolve();
    const answer = await slow;
    expect(answer.text).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n {2}<CopyObjectResult/);
    expect([answer.status, answer.xml("ETag")]).toEqual([200, etag]);
  });

  it("a slow one that fails has an Error root inside its 200, and leaves nothing", async () => {
    await using gateway = await withSource();
    const { promise, reject } = Promise.withResolvers<void>();
    const reading = new Promise<void>((started) => {
      gateway.bodies.faults.beforeRead = () => {
        started();
        return promise;
      };
    });
    const slow = copy(gateway, {});
    await reading;
    gateway.clock.advance(4_000);
    reject(new Error("a drive died"));
    const answer = await slow;
    expect([answer.status, answer.code]).toEqual([200, "InternalError"]);
    expect((await gateway.client.call({ method: "HEAD", bucket: "b-2", key: "dst" })).status).toBe(404);
  });

  it("a source that fails half way is an error and frees what was written", async () => {
    await using gateway = await withSource();
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "src", body: Buffer.alloc(3_000_000) });
    gateway.bodies.faults.failRead = { afterBytes: 1_000_000, failure: new ClusterFailure("retry", "quorum lost") };
    const before = [...gateway.bodies.stored.keys()];
    const answer = await copy(gateway, {});
    expect([answer.status, answer.code]).toEqual([503, "SlowDown"]);
    expect([...gateway.bodies.stored.keys()]).toEqual(before);
    await eventually(() => gateway.bodies.readingCount === 0, "the read has ended");
  });
});

describe("a copy whose destination fails half way", () => {
  it("stops its source, and is an error", async () => {
    await using gateway = await withSource();
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "src", body: Buffer.alloc(3_000_000) });
    gateway.bodies.faults.failWrite = new ClusterFailure("full", "no room", { reason: "DRIVE_FULL" });
    gateway.bodies.faults.failWriteAfterBytes = 1_000_000;
    expect((await copy(gateway, {})).status).toBe(507);
    await eventually(() => gateway.bodies.readingCount === 0, "the read has ended");
  });
});

describe("a copy onto itself while the object changes", () => {
  it("is 503: its conditions were checked against another object", async () => {
    let hasChanged = false;
    const changeOnce = async (): Promise<void> => {
      if (hasChanged || view === null || log === null) return;
      const bucket = readBucket(view, "b-1");
      const bucketId = idFromBytes("bucket", bucket?.record.bucketId ?? Buffer.alloc(0));
      const object = readObject(view, bucketId, Buffer.from("src"));
      if (object === null) return;
      hasChanged = true;
      const author = { random: createSeededRandom(5), session: log.session };
      await log.commit(setTags(author, { bucketId, objectKey: Buffer.from("src") }, object, []));
    };
    let [view, log]: [View | null, MemoryLog | null] = [null, null];
    await using gateway = await startWithBucket({
      time: "runs",
      wrapLog: (inner) =>
        createSlowLog(inner, {
          beforeCommit: (change) => (change.puts.some((row) => row.key[0] === 0x63) ? changeOnce() : undefined),
        }),
    });
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "src", body });
    [view, log] = [gateway.view, gateway.log];
    const answer = await copy(gateway, { "x-amz-metadata-directive": "REPLACE" }, "/b-1/src");
    expect([hasChanged, answer.status]).toEqual([true, 503]);
  });
});

describe("line 34: x-amz-copy-source elsewhere", () => {
  it.each(["GET", "DELETE", "HEAD"])("%s with it is InvalidArgument", async (method) => {
    await using gateway = await withSource();
    const answer = await gateway.client.call({
      method,
      target: "/b-1/src",
      headers: { "x-amz-copy-source": "/b-1/src" },
    });
    expect(answer.status).toBe(400);
  });
});
