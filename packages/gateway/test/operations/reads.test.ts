import { ClusterFailure } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import { startGateway, startWithBucket, type TestGateway } from "../fakes/start-gateway.ts";

const get = { method: "GET", bucket: "b-1", key: "k" };

/** Ten bytes; `place`: in the record, or in chunks. */
async function withTenBytes(place: "record" | "chunks"): Promise<TestGateway> {
  const gateway = await startWithBucket({ inlineBytesMax: place === "record" ? 1024 : 0 });
  await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "0123456789" });
  return gateway;
}

describe("line 14: every answer", () => {
  it.each([
    ["GET", "/b-1/k", 200],
    ["GET", "/b-1/none", 404],
    ["HEAD", "/b-1/none", 404],
    ["PUT", "/b-1/k", 200],
    ["DELETE", "/b-1/none", 204],
    ["GET", "/b-1?list-type=2", 200],
    ["GET", "/health/live", 404],
  ])("%s %s carries ids, Date and Server", async (method, target, status) => {
    await using gateway = await withTenBytes("record");
    const answer = await gateway.client.call({ method, target });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("x-amz-request-id")).toMatch(/^[0-9A-F]{16}$/);
    expect(answer.headers.get("x-amz-id-2")).toBeTruthy();
    expect(answer.headers.get("server")).toBe("Kakera");
    expect(Date.parse(answer.headers.get("date") ?? "")).not.toBeNaN();
  });

  it("an error's XML has the ids of its headers, and the resource", async () => {
    await using gateway = await startWithBucket();
    const answer = await gateway.client.call({ method: "GET", bucket: "b-1", key: "a<b" });
    expect(answer.headers.get("content-type")).toBe("application/xml");
    expect(answer.xml("RequestId")).toBe(answer.headers.get("x-amz-request-id"));
    expect(answer.xml("HostId")).toBe(answer.headers.get("x-amz-id-2"));
    expect([answer.code, answer.xml("Key"), answer.xml("Resource")]).toEqual(["NoSuchKey", "a<b", "/b-1/a<b"]);
    expect(Number(answer.headers.get("content-length"))).toBe(answer.body.byteLength);
  });

  it("HEAD errors have no body and say their code in headers", async () => {
    await using gateway = await startWithBucket();
    const answer = await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "none" });
    expect([answer.status, answer.headers.get("x-minio-error-code"), answer.headers.get("content-length")]).toEqual([
      404,
      "NoSuchKey",
      "0",
    ]);
    expect(answer.headers.get("x-minio-error-desc")).toContain("does not exist");
  });

  it("no two requests have the same id", async () => {
    await using gateway = await startWithBucket();
    const ids = new Set<string | undefined>();
    for (let i = 0; i < 20; i++)
      ids.add((await gateway.client.call({ method: "HEAD", bucket: "b-1" })).headers.get("x-amz-request-id"));
    expect(ids.size).toBe(20);
  });
});

describe.each(["record", "chunks"] as const)("line 15: HEAD has GET's headers, body in the %s", (place) => {
  it.each([
    ["whole", {}, {}],
    ["a range", { range: "bytes=2-4" }, {}],
    ["a part", {}, { partNumber: "1" }],
    ["a range outside", { range: "bytes=20-" }, {}],
    ["not modified", { "if-none-match": "*" }, {}],
  ])("%s", async (_, headers, query) => {
    await using gateway = await withTenBytes(place);
    const call = { ...get, headers: headers as Record<string, string>, query: query as Record<string, string> };
    const [full, head] = [await gateway.client.call(call), await gateway.client.call({ ...call, method: "HEAD" })];
    expect(head.status).toBe(full.status);
    const own = (headersOf: ReadonlyMap<string, string>): Record<string, string> =>
      Object.fromEntries(
        [...headersOf].filter(
          ([name]) =>
            ![
              "x-amz-request-id",
              "date",
              "x-minio-error-code",
              "x-minio-error-desc",
              ...(full.status >= 400 ? ["content-length"] : []),
            ].includes(name),
        ),
      );
    expect(own(head.headers)).toEqual(own(full.headers));
  });
});

describe("line 15: HEAD of a bucket", () => {
  it("tells its region, and 404 without a body", async () => {
    await using gateway = await startWithBucket({ region: "eu-x" });
    expect((await gateway.client.call({ method: "HEAD", bucket: "b-1" })).headers.get("x-amz-bucket-region")).toBe(
      "eu-x",
    );
    expect((await gateway.client.call({ method: "HEAD", bucket: "none" })).status).toBe(404);
  });
});

describe.each(["record", "chunks"] as const)("line 16: Range, body in the %s", (place) => {
  it.each([
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=0-", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=8-100", 206, "89", "bytes 8-9/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=-100", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=4-2", 200, "0123456789", undefined],
    ["bytes=0-1,3-4", 200, "0123456789", undefined],
    ["lines=1-2", 200, "0123456789", undefined],
    ["nonsense", 200, "0123456789", undefined],
  ])("%s", async (range, status, text, contentRange) => {
    await using gateway = await withTenBytes(place);
    const answer = await gateway.client.call({ ...get, headers: { range } });
    expect([answer.status, answer.text, answer.headers.get("content-range")]).toEqual([status, text, contentRange]);
    expect(answer.headers.get("content-length")).toBe(String(text.length));
    expect(answer.headers.get("accept-ranges")).toBe("bytes");
  });

  it.each(["bytes=10-", "bytes=10-20", "bytes=-0"])("%s is 416", async (range) => {
    await using gateway = await withTenBytes(place);
    const answer = await gateway.client.call({ ...get, headers: { range } });
    expect([answer.status, answer.code, answer.headers.get("content-range")]).toEqual([
      416,
      "InvalidRange",
      "bytes */10",
    ]);
    expect([answer.xml("RangeRequested"), answer.xml("ActualObjectSize")]).toEqual([range, "10"]);
  });

  it("any range of an empty object is 416, and without one it is 200", async () => {
    await using gateway = await withTenBytes(place);
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "empty" });
    expect((await gateway.client.call({ ...get, key: "empty", headers: { range: "bytes=0-" } })).status).toBe(416);
    const whole = await gateway.client.call({ ...get, key: "empty" });
    expect([whole.status, whole.headers.get("content-length")]).toEqual([200, "0"]);
  });
});

describe("line 17: partNumber", () => {
  it.each([
    ["1", 206, undefined],
    ["2", 416, "InvalidPartNumber"],
    ["0", 400, "InvalidArgument"],
    ["10001", 400, "InvalidArgument"],
    ["1e3", 400, "InvalidArgument"],
  ])("%s of a single PUT", async (partNumber, status, code) => {
    await using gateway = await withTenBytes("record");
    const answer = await gateway.client.call({ ...get, query: { partNumber } });
    expect([answer.status, answer.code]).toEqual([status, code]);
    if (status === 206) {
      expect([answer.text, answer.headers.get("content-range"), answer.headers.has("x-amz-mp-parts-count")]).toEqual([
        "0123456789",
        "bytes 0-9/10",
        false,
      ]);
    }
  });

  it("with Range is refused", async () => {
    await using gateway = await withTenBytes("record");
    expect(
      (await gateway.client.call({ ...get, query: { partNumber: "1" }, headers: { range: "bytes=0-1" } })).code,
    ).toBe("InvalidRequest");
  });
});

describe("line 18: read conditions", () => {
  const etag = '"781e5e245d69b566979b86e28d23f2c7"';
  const modified = "Wed, 04 Mar 2026 05:06:07 GMT";
  const earlier = "Wed, 04 Mar 2026 05:06:06 GMT";
  it.each<[Record<string, string>, number]>([
    [{ "if-match": etag }, 200],
    [{ "if-match": etag.replaceAll('"', "") }, 200],
    [{ "if-match": `"x", ${etag}` }, 200],
    [{ "if-match": "*" }, 200],
    [{ "if-match": '"x"' }, 412],
    [{ "if-none-match": etag }, 304],
    [{ "if-none-match": '"x"' }, 200],
    [{ "if-modified-since": modified }, 304],
    [{ "if-modified-since": earlier }, 200],
    [{ "if-unmodified-since": modified }, 200],
    [{ "if-unmodified-since": earlier }, 412],
    [{ "if-match": etag, "if-unmodified-since": earlier }, 200],
    [{ "if-none-match": '"x"', "if-modified-since": modified }, 200],
    [{ "if-none-match": etag, "if-modified-since": earlier }, 304],
    [{ "if-modified-since": "yesterday" }, 200],
  ])("%o is %i", async (headers, status) => {
    await using gateway = await withTenBytes("record");
    const answer = await gateway.client.call({ ...get, headers: { ...headers, "x-amz-checksum-mode": "ENABLED" } });
    expect(answer.status).toBe(status);
    if (status !== 304) return;
    expect([answer.headers.get("etag"), answer.headers.get("last-modified")]).toEqual([etag, modified]);
    expect([...answer.headers.keys()].filter((name) => name.startsWith("x-amz-checksum"))).toEqual([]);
  });
});

describe("line 32: one instant of modification", () => {
  it("is told with milliseconds in XML and in RFC 7231's form in headers", async () => {
    await using gateway = await withTenBytes("record");
    const list = await gateway.client.call({ method: "GET", bucket: "b-1" });
    expect(list.xml("LastModified")).toBe("2026-03-04T05:06:07.890Z");
    expect((await gateway.client.call(get)).headers.get("last-modified")).toBe("Wed, 04 Mar 2026 05:06:07 GMT");
  });
});

describe("line 43: overload and loss", () => {
  it.each(["GET", "PUT", "HEAD", "DELETE"])(
    "%s answers 503 with Retry-After while the log is out of reach, and never 404",
    async (method) => {
      await using gateway = await withTenBytes("record");
      gateway.log.failure = new ClusterFailure("retry", "etcd.internal:2379 is gone", { reason: "LOG_UNREACHABLE" });
      for (const key of ["k", "none"]) {
        const answer = await gateway.client.call({
          method,
          bucket: "b-1",
          key,
          ...(method === "PUT" ? { body: "x" } : {}),
        });
        expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
        expect(answer.text).not.toContain("etcd.internal");
      }
      const list = await gateway.client.call({ method: "GET", bucket: "b-1" });
      expect([list.status, list.code]).toEqual([503, "SlowDown"]);
    },
  );

  it("a full log answers 507 to a PUT", async () => {
    await using gateway = await startWithBucket();
    gateway.bodies.faults.failWrite = new ClusterFailure("full", "no room", { reason: "DRIVE_FULL" });
    expect((await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "x" })).status).toBe(507);
  });

  it("what can be answered is answered while some groups cannot be read: each request learns by itself", async () => {
    await using gateway = await startGateway();
    gateway.health = { ...gateway.health, isReady: false, reasons: ["QUORUM_LOST"] };
    expect((await gateway.client.call({ method: "GET", target: "/" })).status).toBe(200);
  });

  it("until it has started, and while the log is silent, S3 answers 503 SlowDown", async () => {
    await using gateway = await startGateway();
    gateway.health = { ...gateway.health, isReady: false, takesRequests: false, reasons: ["VIEW_BEHIND"] };
    const answer = await gateway.client.call({ method: "GET", target: "/" });
    expect([answer.status, answer.code, answer.headers.get("retry-after")]).toEqual([503, "SlowDown", "5"]);
  });

  it("an error of our own is InternalError, tells nothing of itself, and is logged with the request's id", async () => {
    await using gateway = await startWithBucket();
    gateway.bodies.faults.failWrite = new TypeError("secret inner text");
    const answer = await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "x" });
    expect([answer.status, answer.code]).toEqual([500, "InternalError"]);
    expect(answer.text).not.toContain("inner text");
    const line = gateway.logged.find((entry) => entry.event === "request.failed");
    expect([line?.level, line?.fields?.["requestId"]]).toEqual(["error", answer.headers.get("x-amz-request-id")]);
  });
});
