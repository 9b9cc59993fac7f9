import { describe, expect, it } from "vitest";
import { startWithBucket } from "../fakes/start-gateway.ts";
import { listed, partBody, Upload } from "../fakes/upload.ts";

describe("line 49: where s3-tests contradicts AWS, clients see AWS", () => {
  const put = { method: "PUT", bucket: "b-1", key: "k", body: "body" };

  it("refuses If-None-Match with an etag, on PUT and on Complete, and changes nothing", async () => {
    await using gateway = await startWithBucket();
    const headers = { "if-none-match": '"etag"' };
    expect(await gateway.client.call({ ...put, headers })).toMatchObject({ status: 501, code: "NotImplemented" });
    const upload = await Upload.create(gateway);
    await upload.part(1);
    expect(await upload.complete([listed(1)], headers)).toMatchObject({ status: 501, code: "NotImplemented" });
    expect((await gateway.client.call({ method: "HEAD", bucket: "b-1", key: "k" })).status).toBe(404);
  });

  it("refuses a part number beyond the last, a repeated one at Complete, and a copy beyond its source", async () => {
    await using gateway = await startWithBucket({ minPartBytes: 1 });
    await gateway.client.call(put);
    expect(await gateway.client.call({ method: "GET", target: "/b-1/k?partNumber=2" })).toMatchObject({
      status: 416,
      code: "InvalidPartNumber",
    });
    const upload = await Upload.create(gateway, "other");
    await upload.part(1);
    expect(await upload.complete([listed(1), listed(1)])).toMatchObject({ status: 400, code: "InvalidPartOrder" });
    const copied = await upload.part(2, Buffer.alloc(0), {
      "x-amz-copy-source": "/b-1/k",
      "x-amz-copy-source-range": "bytes=0-99",
    });
    expect(copied).toMatchObject({ status: 400, code: "InvalidArgument" });
  });

  it("refuses a malformed checksum, a DELETE with If-Match of an absent key, and a URL that is to live too long", async () => {
    await using gateway = await startWithBucket();
    const malformed = await gateway.client.call({ ...put, headers: { "x-amz-checksum-sha256": "bad" } });
    expect(malformed).toMatchObject({ status: 400, code: "InvalidRequest" });
    const absent = await gateway.client.call({ method: "DELETE", target: "/b-1/gone", headers: { "if-match": '"x"' } });
    expect(absent).toMatchObject({ status: 404, code: "NoSuchKey" });
    const target = gateway.client.presigned({ method: "GET", bucket: "b-1", key: "k", expiresSeconds: 604_801 });
    const answer = await fetch(`http://127.0.0.1:${gateway.port}${target}`);
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining("AuthorizationQueryParametersError"),
    ]);
  });

  it("says NoSuchBucketPolicy of policyStatus without a policy", async () => {
    await using gateway = await startWithBucket();
    const answer = await gateway.client.call({ method: "GET", target: "/b-1?policyStatus" });
    expect(answer).toMatchObject({ status: 404, code: "NoSuchBucketPolicy" });
  });

  it("follows s3-tests where AWS's clients cannot tell: InvalidTag, parts listed without checksums", async () => {
    await using gateway = await startWithBucket({ minPartBytes: 1 });
    const tags = Array.from({ length: 11 }, (_, i) => `<Tag><Key>k${i}</Key><Value>v</Value></Tag>`).join("");
    await gateway.client.call(put);
    const body = `<Tagging><TagSet>${tags}</TagSet></Tagging>`;
    const tagged = await gateway.client.call({ method: "PUT", target: "/b-1/k?tagging", body });
    expect(tagged).toMatchObject({ status: 400, code: "InvalidTag" });
    const upload = await Upload.create(gateway, "other", { "x-amz-checksum-algorithm": "CRC32" });
    await upload.part(1, partBody(1));
    expect((await upload.list()).text).toContain("<PartNumber>1</PartNumber>");
  });
});
