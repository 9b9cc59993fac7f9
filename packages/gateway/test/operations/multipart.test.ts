import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { S3Answer } from "../fakes/s3-client.ts";
import { etagOfParts, listed, md5, partBody, Upload } from "../fakes/upload.ts";
import { contentOf, startWithBucket, type TestGateway, type TestOverrides } from "../fakes/start-gateway.ts";

const small: TestOverrides = { minPartBytes: 1000 };
const crc32Of = (bytes: Buffer): Buffer => {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(bytes));
  return digest;
};

const rowsOf = (gateway: TestGateway): string =>
  contentOf(gateway.view)
    .map((row) => String.fromCharCode(Number.parseInt(row.slice(0, 2), 16)))
    .toSorted()
    .join("");

describe("line 35: multipart", () => {
  it("parts come in any order and with gaps; type and metadata come from Create; the answer is full", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway, "dir/k", {
      "content-type": "text/x",
      "x-amz-meta-a": "1",
      "x-amz-tagging": "t=1",
    });
    for (const number of [30, 1, 7])
      expect((await upload.part(number)).headers.get("etag")).toBe(`"${md5(partBody(number)).toString("hex")}"`);
    const bodies = [partBody(1), partBody(7), partBody(30)];
    const answer = await upload.complete([{ number: 1, etag: `&quot;${listed(1).etag}&quot;` }, listed(7), listed(30)]);
    expect([answer.status, answer.xml("Bucket"), answer.xml("Key"), answer.xml("ETag")]).toEqual([
      200,
      "b-1",
      "dir/k",
      etagOfParts(bodies),
    ]);
    expect(answer.xml("Location")).toBe(`http://127.0.0.1:${gateway.port}/b-1/dir/k`);
    const get = await gateway.client.call({ method: "GET", bucket: "b-1", key: "dir/k" });
    expect(get.body.equals(Buffer.concat(bodies))).toBe(true);
    expect([
      get.headers.get("content-type"),
      get.headers.get("x-amz-meta-a"),
      get.headers.get("x-amz-tagging-count"),
      get.headers.get("etag"),
    ]).toEqual(["text/x", "1", "1", etagOfParts(bodies)]);
    // Bucket, object, completed: no upload, no part.
    expect(rowsOf(gateway)).toBe("bck");
  });

  it.each(["0", "10001", "-1", "1e3", "x"])("part number %s is InvalidArgument", async (number) => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway);
    const answer = await upload.part(number, partBody(1));
    expect([answer.status, answer.code]).toEqual([400, "InvalidArgument"]);
  });

  it("of two uploads of a number the one that ended last wins, and the other's body is garbage", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway);
    await upload.part(1, partBody(5));
    await upload.part(1, partBody(6));
    expect(rowsOf(gateway)).toBe("bgpu");
    expect((await upload.complete([listed(1, partBody(5))])).code).toBe("InvalidPart");
    expect((await upload.complete([listed(1, partBody(6))])).status).toBe(200);
  });

  it.each<[string, { number: number; etag: string }[], string]>([
    ["a missing part", [listed(1), listed(4)], "InvalidPart"],
    ["another ETag", [{ number: 1, etag: "0".repeat(32) }], "InvalidPart"],
    ["the wrong order", [listed(2), listed(1)], "InvalidPartOrder"],
    ["a repeated number", [listed(1), listed(1)], "InvalidPartOrder"],
    ["none", [], "MalformedXML"],
    ["a part too small", [listed(3, partBody(3, 10)), listed(5)], "EntityTooSmall"],
  ])("%s is refused, and leaves the upload as it was", async (_, parts, code) => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway);
    for (const number of [1, 2, 5]) await upload.part(number);
    await upload.part(3, partBody(3, 10));
    const before = contentOf(gateway.view);
    const { revision } = gateway.log.status();
    const answer = await upload.complete(parts);
    expect([answer.status, answer.code, gateway.log.status().revision]).toEqual([400, code, revision]);
    if (code === "EntityTooSmall")
      expect([answer.xml("PartNumber"), answer.xml("MinSizeAllowed")]).toEqual(["3", "1000"]);
    expect(contentOf(gateway.view)).toEqual(before);
    expect((await upload.complete([listed(1), listed(5)])).status).toBe(200);
  });

  it("unlisted parts are dropped and become garbage", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway);
    for (const number of [1, 2, 3]) await upload.part(number);
    await upload.complete([listed(2)]);
    expect((await gateway.client.call({ method: "GET", bucket: "b-1", key: "k" })).body.equals(partBody(2))).toBe(true);
    expect(rowsOf(gateway)).toBe("bcgk");
  });

  it("a tiny or empty only part is enough", async () => {
    await using gateway = await startWithBucket();
    for (const sizeBytes of [0, 1]) {
      const upload = await Upload.create(gateway);
      await upload.part(1, partBody(1, sizeBytes));
      expect((await upload.complete([listed(1, partBody(1, sizeBytes))])).status).toBe(200);
      expect((await gateway.client.call({ method: "GET", bucket: "b-1", key: "k" })).body.byteLength).toBe(sizeBytes);
    }
  });

  it("an unknown id, another key and an aborted upload are NoSuchUpload everywhere", async () => {
    await using gateway = await startWithBucket(small);
    const aborted = await Upload.create(gateway);
    await aborted.part(1);
    expect((await aborted.abort()).status).toBe(204);
    expect(rowsOf(gateway)).toBe("bg");
    const open = await Upload.create(gateway, "other");
    for (const upload of [
      aborted,
      new Upload(gateway, open.uploadId, "k"),
      new Upload(gateway, "../../etc/x", "k"),
      new Upload(gateway, "0".repeat(32), "k"),
    ]) {
      for (const answer of [
        await upload.part(1),
        await upload.complete([listed(1)]),
        await upload.abort(),
        await upload.list(),
      ]) {
        expect([answer.status, answer.code]).toEqual([404, "NoSuchUpload"]);
      }
    }
  });

  it("a part in flight when Abort was answered is NoSuchUpload, and its body is freed", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway);
    const { promise, resolve } = Promise.withResolvers<void>();
    const inFlight = new Promise<void>((started) => {
      gateway.bodies.faults.beforeWritten = () => {
        started();
        return promise;
      };
    });
    const late = upload.part(1);
    await inFlight;
    expect((await upload.abort()).status).toBe(204);
    resolve();
    expect((await late).code).toBe("NoSuchUpload");
    expect([gateway.bodies.stored.size, rowsOf(gateway)]).toEqual([0, "b"]);
  });

  it("x-amz-mp-object-size that differs is InvalidRequest", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway);
    await upload.part(1);
    expect((await upload.complete([listed(1)], { "x-amz-mp-object-size": "1999" })).code).toBe("InvalidRequest");
    expect((await upload.complete([listed(1)], { "x-amz-mp-object-size": "2000" })).status).toBe(200);
  });

  it("PUT with partNumber alone is 400, with uploadId alone 405", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway);
    expect((await gateway.client.call({ method: "PUT", target: "/b-1/k?partNumber=1", body: "x" })).code).toBe(
      "InvalidArgument",
    );
    expect(
      (await gateway.client.call({ method: "PUT", target: `/b-1/k?uploadId=${upload.uploadId}`, body: "x" })).status,
    ).toBe(405);
    expect((await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "k" })).status).toBe(404);
  });

  it("with --etag fast no ETag of a part looks like an MD5", async () => {
    await using gateway = await startWithBucket({ ...small, etag: "fast", hasMd5: "no" });
    const upload = await Upload.create(gateway);
    const etag = (await upload.part(1)).headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[0-9a-f]{32}-1"$/);
    expect((await upload.list()).xml("ETag")).toBe(etag);
    expect((await upload.complete([{ number: 1, etag: etag.replaceAll('"', "") }])).xml("ETag")).toMatch(
      /^"[0-9a-f]{32}-1"$/,
    );
  });
});

describe("line 36: Complete again", () => {
  it("is the same 200, also with If-None-Match: *, and makes no new object", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway);
    await upload.part(1);
    const first = await upload.complete([listed(1)], { "if-none-match": "*" });
    const before = contentOf(gateway.view);
    gateway.clock.advance(60_000);
    const again = await upload.complete([listed(1)], { "if-none-match": "*" });
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(contentOf(gateway.view)).toEqual(before);
  });

  it("with other parts, or after Abort, is NoSuchUpload; Abort never touches a completed object", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway);
    await upload.part(1);
    await upload.part(2);
    await upload.complete([listed(1), listed(2)]);
    expect((await upload.complete([listed(1)])).code).toBe("NoSuchUpload");
    expect((await upload.abort()).code).toBe("NoSuchUpload");
    expect((await gateway.client.call({ method: "GET", bucket: "b-1", key: "k" })).body.byteLength).toBe(4_000);
    expect((await upload.complete([listed(1), listed(2)])).status).toBe(200);
  });

  it("fifty at once have one outcome", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway);
    await upload.part(1);
    const answers = await Promise.all(Array.from({ length: 50 }, () => upload.complete([listed(1)])));
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    expect(answers.every((answer) => answer.status === 200)).toBe(true);
    expect(rowsOf(gateway)).toBe("bck");
  });
});

describe("line 19: conditions of a multipart upload", () => {
  it("If-None-Match at Create is checked there, and again at Complete, where minio-go does not send it", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway, "k", { "if-none-match": "*" });
    await upload.part(1);
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "first" });
    const before = contentOf(gateway.view);
    const answer = await upload.complete([listed(1)]);
    expect([answer.status, answer.code]).toEqual([412, "PreconditionFailed"]);
    expect((await gateway.client.call({ method: "GET", bucket: "b-1", key: "k" })).text).toBe("first");
    expect(contentOf(gateway.view).filter((row) => !row.startsWith("75"))).toEqual(
      before.filter((row) => !row.startsWith("75")),
    );
    expect((await upload.list()).status).toBe(200);
    const created = await gateway.client.call({
      method: "POST",
      target: "/b-1/k?uploads",
      headers: { "if-none-match": "*" },
    });
    expect(created.status).toBe(412);
  });

  it("If-Match at Create is kept for Complete", async () => {
    await using gateway = await startWithBucket(small);
    const { headers } = await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "one" });
    const upload = await Upload.create(gateway, "k", { "if-match": headers.get("etag") ?? "" });
    await upload.part(1);
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "two" });
    expect((await upload.complete([listed(1)])).status).toBe(412);
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "one" });
    expect((await upload.complete([listed(1)])).status).toBe(200);
  });

  it("If-None-Match: * at Complete alone", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway);
    await upload.part(1);
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "k", body: "first" });
    expect((await upload.complete([listed(1)], { "if-none-match": "*" })).status).toBe(412);
    expect((await upload.complete([listed(1)], { "if-none-match": '"x"' })).status).toBe(501);
    expect((await upload.complete([listed(1)])).status).toBe(200);
  });
});

describe("line 34: UploadPartCopy", () => {
  const copyPart = (upload: Upload, headers: Record<string, string>, number = 1): Promise<S3Answer> =>
    upload.gateway.client.call({
      method: "PUT",
      target: `/b-1/k?partNumber=${number}&uploadId=${upload.uploadId}`,
      headers: { "x-amz-copy-source": "/b-1/src", ...headers },
    });

  it("copies a range, or the whole", async () => {
    await using gateway = await startWithBucket(small);
    const body = Buffer.from("0123456789".repeat(400));
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "src", body });
    const upload = await Upload.create(gateway);
    const range = await copyPart(upload, { "x-amz-copy-source-range": "bytes=5-2004" });
    expect([range.status, range.xml("ETag")]).toEqual([200, `"${md5(body.subarray(5, 2005)).toString("hex")}"`]);
    await copyPart(upload, {}, 2);
    const answer = await upload.complete([listed(1, body.subarray(5, 2005)), listed(2, body)]);
    expect(answer.status).toBe(200);
    expect(
      (await gateway.client.call({ method: "GET", bucket: "b-1", key: "k" })).body.equals(
        Buffer.concat([body.subarray(5, 2005), body]),
      ),
    ).toBe(true);
  });

  it.each(["bytes=0-4000", "bytes=5-", "bytes=-5", "bytes=5-4", "0-5", "bytes=0-1,3-4"])(
    "%s is InvalidArgument",
    async (range) => {
      await using gateway = await startWithBucket(small);
      await gateway.client.call({ method: "PUT", bucket: "b-1", key: "src", body: "x".repeat(4_000) });
      const upload = await Upload.create(gateway);
      const answer = await copyPart(upload, { "x-amz-copy-source-range": range });
      expect([answer.status, answer.code]).toEqual([400, "InvalidArgument"]);
    },
  );
});

describe("line 37: listing uploads and parts", () => {
  it("over 1000 open uploads of one key, by key, then start, in pages", async () => {
    await using gateway = await startWithBucket();
    const ids: string[] = [];
    for (let i = 0; i < 1005; i++) {
      ids.push((await Upload.create(gateway, "whole/key")).uploadId);
      gateway.clock.advance(1);
    }
    await Upload.create(gateway, "whole/key2");
    const first = await gateway.client.call({ method: "GET", target: "/b-1?uploads&prefix=whole/key" });
    expect([first.xmlAll("UploadId").length, first.xml("IsTruncated"), first.xml("NextKeyMarker")]).toEqual([
      1000,
      "true",
      "whole/key",
    ]);
    const markers = `key-marker=whole/key&upload-id-marker=${first.xml("NextUploadIdMarker")}`;
    const rest = await gateway.client.call({ method: "GET", target: `/b-1?uploads&prefix=whole/key&${markers}` });
    expect([...first.xmlAll("UploadId"), ...rest.xmlAll("UploadId").slice(0, 5)]).toEqual(ids);
    expect(rest.xmlAll("Key")).toEqual([...Array.from({ length: 5 }, () => "whole/key"), "whole/key2"]);
  });

  it("delimiter; a marker without its key is ignored, one that does not belong is refused", async () => {
    await using gateway = await startWithBucket();
    for (const key of ["a/1", "a/2", "b"]) await Upload.create(gateway, key);
    const page = await gateway.client.call({ method: "GET", target: "/b-1?uploads&delimiter=/" });
    expect([page.xmlAll("UploadId").length, page.xmlAll("CommonPrefixes").length, page.xml("StorageClass")]).toEqual([
      1,
      1,
      "STANDARD",
    ]);
    expect(
      (await gateway.client.call({ method: "GET", target: "/b-1?uploads&upload-id-marker=x" })).xmlAll("UploadId")
        .length,
    ).toBe(3);
    expect(
      (await gateway.client.call({ method: "GET", target: "/b-1?uploads&key-marker=b&upload-id-marker=x" })).code,
    ).toBe("InvalidArgument");
  });

  it("parts page with exact sizes", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway);
    for (const number of [1, 2, 5, 9]) await upload.part(number, partBody(number, 100 * number));
    const first = await upload.list("&max-parts=2");
    expect([
      first.xmlAll("PartNumber"),
      first.xmlAll("Size"),
      first.xml("NextPartNumberMarker"),
      first.xml("IsTruncated"),
    ]).toEqual([["1", "2"], ["100", "200"], "2", "true"]);
    const rest = await upload.list("&part-number-marker=2");
    expect([rest.xmlAll("PartNumber"), rest.xml("IsTruncated"), rest.xml("DisplayName")]).toEqual([
      ["5", "9"],
      "false",
      "kakera",
    ]);
    expect((await upload.list("&max-parts=x")).code).toBe("InvalidArgument");
  });
});

describe("line 40: checksums", () => {
  it("come back on PUT, and on GET only when asked for and without a range", async () => {
    await using gateway = await startWithBucket();
    const digest = crc32Of(Buffer.from("hello")).toString("base64");
    const put = await gateway.client.call({
      method: "PUT",
      bucket: "b-1",
      key: "k",
      body: "hello",
      headers: { "x-amz-checksum-crc32": digest },
    });
    expect([put.headers.get("x-amz-checksum-crc32"), put.headers.get("x-amz-checksum-type")]).toEqual([
      digest,
      "FULL_OBJECT",
    ]);
    const get = async (headers: Record<string, string>): Promise<string | undefined> =>
      (await gateway.client.call({ method: "GET", bucket: "b-1", key: "k", headers })).headers.get(
        "x-amz-checksum-crc32",
      );
    expect(await get({})).toBeUndefined();
    expect(await get({ "x-amz-checksum-mode": "ENABLED" })).toBe(digest);
    expect(await get({ "x-amz-checksum-mode": "ENABLED", range: "bytes=0-1" })).toBeUndefined();
  });

  it("composite: of the parts' checksums, with -N; Complete must list them", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway, "k", { "x-amz-checksum-algorithm": "CRC32" });
    const sums = [1, 2].map((number) => crc32Of(partBody(number)));
    const first = await upload.part(1, partBody(1), { "x-amz-checksum-crc32": (sums[0] as Buffer).toString("base64") });
    expect(first.headers.get("x-amz-checksum-crc32")).toBe(sums[0]?.toString("base64"));
    // Computed also for a part that brings none.
    expect((await upload.part(2)).headers.get("x-amz-checksum-crc32")).toBe(sums[1]?.toString("base64"));
    expect((await upload.complete([listed(1), listed(2)])).code).toBe("InvalidRequest");
    const parts = [1, 2].map((number) => ({
      ...listed(number),
      more: `<ChecksumCRC32>${sums[number - 1]?.toString("base64")}</ChecksumCRC32>`,
    }));
    const whole = `${crc32Of(Buffer.concat(sums)).toString("base64")}-2`;
    const answer = await upload.complete(parts);
    expect([answer.status, answer.xml("ChecksumCRC32"), answer.xml("ChecksumType")]).toEqual([200, whole, "COMPOSITE"]);
    expect((await upload.complete(parts)).xml("ChecksumCRC32")).toBe(whole);
    const enabled = { "x-amz-checksum-mode": "ENABLED" };
    expect(
      (await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "k", headers: enabled })).headers.get(
        "x-amz-checksum-crc32",
      ),
    ).toBe(whole);
    const part = await gateway.client.call({ method: "GET", target: "/b-1/k?partNumber=2", headers: enabled });
    expect(part.headers.get("x-amz-checksum-crc32")).toBe(sums[1]?.toString("base64"));
    // Of the object, not of the part: SDKs compare it with what Create was told.
    expect(part.headers.get("x-amz-checksum-type")).toBe("COMPOSITE");
  });

  it("full-object: combined of the parts', and compared with what Complete says", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway, "k", {
      "x-amz-checksum-algorithm": "CRC32",
      "x-amz-checksum-type": "FULL_OBJECT",
    });
    await upload.part(1);
    await upload.part(2);
    const whole = crc32Of(Buffer.concat([partBody(1), partBody(2)])).toString("base64");
    expect((await upload.complete([listed(1), listed(2)], { "x-amz-checksum-crc32": "AAAAAA==" })).code).toBe(
      "BadDigest",
    );
    const answer = await upload.complete([listed(1), listed(2)], { "x-amz-checksum-crc32": whole });
    expect(answer.text).toContain(`<ChecksumCRC32>${whole}</ChecksumCRC32><ChecksumType>FULL_OBJECT</ChecksumType>`);
  });

  it("an upload without an algorithm verifies a part's checksum, tells none and needs none", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway);
    expect((await upload.part(1, partBody(1), { "x-amz-checksum-crc32": "AAAAAA==" })).code).toBe("BadDigest");
    const part = await upload.part(1, partBody(1), { "x-amz-checksum-crc32": crc32Of(partBody(1)).toString("base64") });
    expect([part.status, part.headers.has("x-amz-checksum-crc32")]).toEqual([200, false]);
    expect((await upload.list()).text).not.toContain("Checksum");
    expect((await upload.complete([listed(1)])).status).toBe(200);
  });

  it("a kind that we cannot compute is refused at Create, and another kind at UploadPart", async () => {
    await using gateway = await startWithBucket(small);
    expect(
      (
        await gateway.client.call({
          method: "POST",
          target: "/b-1/k?uploads",
          headers: { "x-amz-checksum-algorithm": "XXHASH3" },
        })
      ).code,
    ).toBe("InvalidRequest");
    const upload = await Upload.create(gateway, "k", { "x-amz-checksum-algorithm": "SHA256" });
    expect(
      (await upload.part(1, partBody(1), { "x-amz-checksum-crc32": crc32Of(partBody(1)).toString("base64") })).code,
    ).toBe("InvalidRequest");
  });
});

describe("line 41: GetObjectAttributes", () => {
  it("shows what is named and no more; the ETag bare, parts of multipart objects only", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway);
    for (const number of [1, 2, 4]) await upload.part(number);
    await upload.complete([listed(1), listed(2), listed(4)]);
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "single", body: "x" });
    const ask = (key: string, names: string, more: Record<string, string> = {}): Promise<S3Answer> =>
      gateway.client.call({
        method: "GET",
        target: `/b-1/${key}?attributes`,
        headers: { "x-amz-object-attributes": names, ...more },
      });
    const all = await ask("k", "ETag,Checksum,ObjectParts, StorageClass,ObjectSize", { "x-amz-max-parts": "2" });
    expect([all.xml("ETag"), all.xml("ObjectSize"), all.xml("StorageClass")]).toEqual([
      etagOfParts([partBody(1), partBody(2), partBody(4)]).replaceAll('"', ""),
      "6000",
      "STANDARD",
    ]);
    expect([
      all.xml("PartsCount"),
      all.xmlAll("PartNumber"),
      all.xml("IsTruncated"),
      all.xml("NextPartNumberMarker"),
    ]).toEqual(["3", ["1", "2"], "true", "2"]);
    expect(all.headers.get("last-modified")).toBe("Wed, 04 Mar 2026 05:06:07 GMT");
    const single = await ask("single", "ObjectParts,ObjectSize");
    expect([single.text.includes("ObjectParts"), single.text.includes("ETag"), single.xml("ObjectSize")]).toEqual([
      false,
      false,
      "1",
    ]);
    expect((await ask("k", "")).code).toBe("InvalidRequest");
    expect((await ask("k", "Colour")).code).toBe("InvalidArgument");
  });
});

describe("line 17: partNumber of a multipart object", () => {
  it("is 206 with that part's range, the object's ETag and its count of parts", async () => {
    await using gateway = await startWithBucket(small);
    const upload = await Upload.create(gateway);
    for (const number of [3, 8]) await upload.part(number);
    await upload.complete([listed(3), listed(8)]);
    const part = await gateway.client.call({ method: "GET", target: "/b-1/k?partNumber=8" });
    expect([part.status, part.body.equals(partBody(8))]).toEqual([206, true]);
    expect([
      part.headers.get("content-range"),
      part.headers.get("x-amz-mp-parts-count"),
      part.headers.get("etag"),
    ]).toEqual(["bytes 2000-3999/4000", "2", etagOfParts([partBody(3), partBody(8)])]);
    expect((await gateway.client.call({ method: "HEAD", target: "/b-1/k?partNumber=9" })).status).toBe(416);
    const whole = await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "k" });
    expect(whole.headers.has("x-amz-mp-parts-count")).toBe(false);
    const range = await gateway.client.call({
      method: "GET",
      bucket: "b-1",
      key: "k",
      headers: { range: "bytes=1999-2000" },
    });
    expect([...range.body]).toEqual([3, 8]);
  });
});
