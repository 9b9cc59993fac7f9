import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { RawConnection } from "../fakes/raw-client.ts";
import { readable, type S3Call } from "../fakes/s3-client.ts";
import { contentOf, startWithBucket } from "../fakes/start-gateway.ts";

const put = { method: "PUT", bucket: "b-1", key: "k" };
const get = { method: "GET", bucket: "b-1", key: "k" };

function crc32Base64(bytes: Buffer | string): string {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(bytes));
  return digest.toString("base64");
}

function md5Base64(bytes: Buffer | string): string {
  return createHash("md5").update(bytes).digest("base64");
}

describe("line 7: framing", () => {
  const body = Buffer.from("0123456789".repeat(20_000));
  const trailer = `x-amz-checksum-crc32:${crc32Base64(body)}`;

  it.each<[string, Partial<S3Call>]>([
    ["a literal SHA-256", { payload: "literal" }],
    ["an unsigned payload", { payload: "unsigned" }],
    ["signed chunks", { payload: "streaming" }],
    ["signed chunks of 8 KiB", { payload: "streaming", chunkSizeBytes: 8192 }],
    ["signed chunks of one odd size", { payload: "streaming", chunkSizeBytes: 9_999 }],
    ["signed chunks and trailer", { payload: "streaming-trailer", trailer }],
    ["unsigned chunks and trailer", { payload: "unsigned-trailer", trailer }],
  ])("%s brings the body in whole", async (_, call) => {
    await using gateway = await startWithBucket();
    const answer = await gateway.client.call({ ...put, body, ...call });
    expect([answer.status, answer.text]).toEqual([200, ""]);
    const stored = await gateway.client.call(get);
    expect(stored.body.equals(body)).toBe(true);
    expect(stored.headers.has("content-encoding")).toBe(false);
  });

  it("aws-chunked with a trailer inside Transfer-Encoding: chunked, without a length, as aws-sdk-cpp sends it", async () => {
    await using gateway = await startWithBucket();
    const wire = gateway.client.wire({
      ...put,
      body,
      payload: "unsigned-trailer",
      trailer,
      headers: { "transfer-encoding": "chunked", "content-encoding": "aws-chunked" },
    });
    const frames: Buffer[] = [];
    for (let at = 0; at < wire.body.byteLength; at += 10_007) {
      const frame = wire.body.subarray(at, at + 10_007);
      frames.push(Buffer.from(`${frame.byteLength.toString(16)}\r\n`), frame, Buffer.from("\r\n"));
    }
    const connection = await RawConnection.open(gateway.port);
    connection.send(wire.head);
    connection.send(Buffer.concat([...frames, Buffer.from("0\r\n\r\n")]));
    const answer = await connection.answer();
    connection.destroy();
    expect([answer.status, answer.headers.get("x-amz-checksum-crc32")]).toEqual([200, crc32Base64(body)]);
    const stored = await gateway.client.call(get);
    expect([stored.body.equals(body), stored.headers.has("content-encoding")]).toEqual([true, false]);
  });

  it("plain Transfer-Encoding: chunked is accepted, of an empty body too", async () => {
    await using gateway = await startWithBucket();
    const chunked = { headers: { "transfer-encoding": "chunked" }, payload: "unsigned" } as const;
    expect((await gateway.client.call({ ...put, body: "5\r\nhello\r\n0\r\n\r\n", ...chunked })).status).toBe(200);
    expect((await gateway.client.call(get)).text).toBe("hello");
    // minio-go sends an empty body so: chunked, without a length.
    const empty = await gateway.client.call({ ...put, body: "", payload: "streaming" });
    expect(empty.status).toBe(200);
    expect((await gateway.client.call(get)).headers.get("content-length")).toBe("0");
  });

  it.each([
    ["aws-chunked,gzip", "gzip"],
    ["gzip, aws-chunked", "gzip"],
    ["aws-chunked", undefined],
    ["aws-chunked,aws-chunked", undefined],
  ])("Content-Encoding %s is stored as %s", async (sent, stored) => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ ...put, body: "x", headers: { "content-encoding": sent } });
    expect((await gateway.client.call(get)).headers.get("content-encoding")).toBe(stored);
  });

  it("a decoded length that differs is IncompleteBody", async () => {
    await using gateway = await startWithBucket();
    for (const length of ["199999", "200001"]) {
      const answer = await gateway.client.call({
        ...put,
        body,
        payload: "streaming",
        headers: { "x-amz-decoded-content-length": length },
      });
      expect([answer.status, answer.code]).toEqual([400, "IncompleteBody"]);
    }
  });

  it.each([
    ["absent", "x-amz-checksum-sha1", `x-amz-checksum-crc32:${crc32Base64(body)}`, "MalformedTrailerError"],
    ["of another value", "x-amz-checksum-crc32", `x-amz-checksum-crc32:AAAAAA==`, "BadDigest"],
  ])("an announced trailer that is %s fails", async (_, announced, sent, code) => {
    await using gateway = await startWithBucket();
    const before = contentOf(gateway.view);
    const answer = await gateway.client.call({
      ...put,
      body,
      payload: "unsigned-trailer",
      trailer: sent,
      headers: { "x-amz-trailer": announced },
    });
    expect([answer.status, answer.code]).toEqual([400, code]);
    expect([contentOf(gateway.view), gateway.bodies.stored.size]).toEqual([before, 0]);
  });

  it("a chunk that was replaced, dropped or cut is refused and nothing is stored", async () => {
    await using gateway = await startWithBucket();
    const before = contentOf(gateway.view);
    const wire = gateway.client.wire({ ...put, body, payload: "streaming" });
    const spoiled = Buffer.from(wire.body);
    spoiled[spoiled.length - 200] = 0x58;
    for (const bytes of [
      spoiled,
      Buffer.concat([wire.body.subarray(0, 1000), Buffer.alloc(wire.body.byteLength - 1000)]),
    ]) {
      const connection = await RawConnection.open(gateway.port);
      connection.send(wire.head);
      connection.send(bytes);
      expect([400, 403]).toContain(readable(await connection.answer()).status);
      connection.destroy();
    }
    expect([contentOf(gateway.view), gateway.bodies.stored.size]).toEqual([before, 0]);
  });
});

describe("line 8: digests", () => {
  it.each<[string, Partial<S3Call>, string]>([
    ["another MD5", { headers: { "content-md5": md5Base64("other") } }, "BadDigest"],
    ["another CRC32", { headers: { "x-amz-checksum-crc32": crc32Base64("other") } }, "BadDigest"],
    ["a malformed MD5", { headers: { "content-md5": "nonsense" } }, "InvalidDigest"],
    ["an empty MD5", { headers: { "content-md5": "" } }, "InvalidDigest"],
    ["a malformed CRC32", { headers: { "x-amz-checksum-crc32": "nonsense" } }, "InvalidRequest"],
    [
      "two kinds",
      { headers: { "x-amz-checksum-crc32": crc32Base64("x"), "x-amz-checksum-sha1": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" } },
      "InvalidRequest",
    ],
    ["a kind without its value", { headers: { "x-amz-sdk-checksum-algorithm": "CRC32" } }, "InvalidRequest"],
    ["a kind that we cannot compute", { headers: { "x-amz-checksum-xxhash64": "AAAAAAAAAAA=" } }, "InvalidRequest"],
    ["over 5 GiB", { payload: "unsigned", headers: { "content-length": "5368709121" } }, "EntityTooLarge"],
  ])("%s: 400, and nothing is stored", async (_, call, code) => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ ...put, body: "old" });
    const before = contentOf(gateway.view);
    const body = Buffer.alloc(5_000, 1);
    const answer = await gateway.client.call({ ...put, body, ...call });
    expect([answer.status, answer.code]).toEqual([400, code]);
    expect([contentOf(gateway.view), gateway.bodies.stored.size]).toEqual([before, 0]);
  });

  it("a body other than its signed SHA-256 is XAmzContentSHA256Mismatch", async () => {
    await using gateway = await startWithBucket();
    const wire = gateway.client.wire({ ...put, body: "hello" });
    const connection = await RawConnection.open(gateway.port);
    connection.send(`${wire.head}jello`);
    expect(readable(await connection.answer()).code).toBe("XAmzContentSHA256Mismatch");
    connection.destroy();
    expect((await gateway.client.call(get)).code).toBe("NoSuchKey");
  });

  it.each<[string, Partial<S3Call>]>([
    ["md5", { headers: { "content-md5": md5Base64("hello") } }],
    ["crc32", { headers: { "x-amz-checksum-crc32": crc32Base64("hello") } }],
  ])("a right %s is taken", async (_, call) => {
    await using gateway = await startWithBucket();
    expect((await gateway.client.call({ ...put, body: "hello", ...call })).status).toBe(200);
  });

  it("with --etag fast a Content-MD5 is verified all the same", async () => {
    await using gateway = await startWithBucket({ etag: "fast", hasMd5: "no" });
    expect(
      (await gateway.client.call({ ...put, body: "hello", headers: { "content-md5": md5Base64("other") } })).code,
    ).toBe("BadDigest");
    const stored = await gateway.client.call({ ...put, body: "hello", headers: { "content-md5": md5Base64("hello") } });
    expect(stored.headers.get("etag")).toMatch(/^"[0-9a-f]{32}-1"$/);
  });

  it("no length and no chunked framing: 411", async () => {
    await using gateway = await startWithBucket();
    const wire = gateway.client.wire({ ...put, payload: "unsigned" });
    const connection = await RawConnection.open(gateway.port);
    connection.send(wire.head.replace("content-length: 0\r\n", ""));
    const answer = readable(await connection.answer());
    expect([answer.status, answer.code]).toEqual([411, "MissingContentLength"]);
    connection.destroy();
  });
});

describe("line 11: headers come back byte for byte", () => {
  it("and nothing is compressed", async () => {
    await using gateway = await startWithBucket();
    const headers = {
      "content-type": "text/plain; charset=x",
      "content-encoding": "gzip",
      "content-disposition": 'attachment; filename="a b"',
      "content-language": "de, en",
      "cache-control": "max-age=1,  private",
      expires: "whenever",
    };
    await gateway.client.call({ ...put, body: "x".repeat(10_000), headers });
    const answer = await gateway.client.call({ ...get, headers: { "accept-encoding": "gzip, br" } });
    for (const [name, value] of Object.entries(headers)) expect(answer.headers.get(name)).toBe(value);
    expect(answer.body.byteLength).toBe(10_000);
  });

  it("the default type is binary/octet-stream", async () => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ ...put, body: "x" });
    expect((await gateway.client.call(get)).headers.get("content-type")).toBe("binary/octet-stream");
  });
});

describe("line 12: user metadata", () => {
  it("names are lower case, empty values are kept", async () => {
    await using gateway = await startWithBucket();
    await gateway.client.call({
      ...put,
      body: "x",
      headers: { "x-amz-meta-a": "1", "x-amz-meta-empty": "", "x-amz-meta-__proto__": "p" },
    });
    const { headers } = await gateway.client.call(get);
    expect([headers.get("x-amz-meta-a"), headers.get("x-amz-meta-empty"), headers.get("x-amz-meta-__proto__")]).toEqual(
      ["1", "", "p"],
    );
  });

  it("repeated headers are joined by a comma", async () => {
    await using gateway = await startWithBucket();
    const wire = gateway.client.wire({ ...put, body: "x", headers: { "x-amz-meta-a": "1,2" } });
    const connection = await RawConnection.open(gateway.port);
    connection.send(
      wire.head.replace("x-amz-meta-a: 1,2\r\n", "X-Amz-Meta-A: 1\r\nX-Amz-Meta-A: 2\r\n") + wire.body.toString(),
    );
    expect((await connection.answer()).status).toBe(200);
    connection.destroy();
    expect((await gateway.client.call(get)).headers.get("x-amz-meta-a")).toBe("1,2");
  });

  it("over 2 KB in all is MetadataTooLarge", async () => {
    await using gateway = await startWithBucket();
    const answer = await gateway.client.call({ ...put, body: "x", headers: { "x-amz-meta-a": "a".repeat(2048) } });
    expect([answer.status, answer.code]).toEqual([400, "MetadataTooLarge"]);
  });
});

describe("line 13: ETags", () => {
  it("are quoted, and the MD5 of a single PUT, in the record or in chunks", async () => {
    await using gateway = await startWithBucket();
    for (const body of ["", "hello", "x".repeat(5_000)]) {
      const etag = `"${createHash("md5").update(body).digest("hex")}"`;
      expect((await gateway.client.call({ ...put, body })).headers.get("etag")).toBe(etag);
      expect((await gateway.client.call({ ...get, method: "HEAD" })).headers.get("etag")).toBe(etag);
      expect((await gateway.client.call({ method: "GET", bucket: "b-1" })).xml("ETag")).toBe(etag);
    }
    expect(gateway.bodies.stored.size).toBe(1);
  });
});

describe("bad input changes nothing", () => {
  it("an object that is replaced leaves its chunks as garbage, and one that was refused its predecessor in place", async () => {
    await using gateway = await startWithBucket();
    await gateway.client.call({ ...put, body: "a".repeat(5_000) });
    await gateway.client.call({ ...put, body: "b".repeat(5_000), headers: { "content-md5": md5Base64("other") } });
    expect((await gateway.client.call(get)).text).toBe("a".repeat(5_000));
    expect(gateway.bodies.discarded).toHaveLength(1);
    await gateway.client.call({ ...put, body: "c".repeat(5_000) });
    expect(gateway.bodies.settledCount).toBe(2);
    const garbage = contentOf(gateway.view).filter((row) => row.startsWith(Buffer.from("g").toString("hex")));
    expect(garbage).toHaveLength(1);
  });
});
