import { describe, expect, it } from "vitest";
import {
  checkBucketRecreation,
  checkCopySize,
  checkObjectTags,
  checksumOfRead,
  checkWriteCondition,
  detectOperation,
  encodePercentPath,
  HeaderIndex,
  missingKeyError,
  pageObjectVersions,
  parseCopySourceRange,
  parseDelete,
  parseDeleteCondition,
  parseExpectedDigests,
  parseListObjectVersions,
  parseQuery,
  parseWriteCondition,
  planBody,
  checkPromisedHeaders,
  renderUnsetBucketConfiguration,
  selectPart,
  wholeChecksum,
} from "../src/index.ts";
import { caught } from "./caught.ts";
import { request } from "./make-request.ts";
import { MemoryCursor } from "./memory-cursor.ts";

const headers = (pairs: Record<string, string>): HeaderIndex => new HeaderIndex(Object.entries(pairs).flat());
const refusal = (action: () => unknown): string => {
  const error = caught(action);
  return `${error.status} ${error.code}`;
};

describe("line 15: a missing key", () => {
  it("is NoSuchKey to those who may list the bucket, AccessDenied to all others", () => {
    expect(missingKeyError({ kind: "root", accessKey: "a" }, "b", "k")).toMatchObject({
      status: 404,
      code: "NoSuchKey",
      detail: { Key: "k" },
    });
    expect(missingKeyError({ kind: "anonymous" }, "b", "k")).toMatchObject({
      status: 403,
      code: "AccessDenied",
      detail: {},
    });
  });
});

describe("line 22: a bucket created again by its owner", () => {
  it("is a success in us-east-1 and 409 in every other region", () => {
    expect(() => checkBucketRecreation("us-east-1", "b")).not.toThrow();
    expect(refusal(() => checkBucketRecreation("eu-west-1", "b"))).toBe("409 BucketAlreadyOwnedByYou");
  });
});

describe("line 33: the size of a copy", () => {
  it("is at most 5 GiB", () => {
    expect(() => checkCopySize(5 * 2 ** 30)).not.toThrow();
    expect(refusal(() => checkCopySize(5 * 2 ** 30 + 1))).toBe("400 InvalidRequest");
  });
});

describe("line 40: checksums of reads", () => {
  const object = wholeChecksum("CRC32", Buffer.alloc(4, 1));
  const part = wholeChecksum("CRC32", Buffer.alloc(4, 2));
  const asked = headers({ "x-amz-checksum-mode": "ENABLED" });

  it("come only when asked for, never with a range, and of a part its own or none", () => {
    expect(checksumOfRead(headers({}), { kind: "whole", objectChecksum: object })).toBeNull();
    expect(checksumOfRead(asked, { kind: "whole", objectChecksum: object })).toBe(object);
    expect(checksumOfRead(asked, { kind: "range" })).toBeNull();
    expect(checksumOfRead(asked, { kind: "part", partChecksum: part })).toBe(part);
    expect(checksumOfRead(asked, { kind: "part", partChecksum: null })).toBeNull();
  });
});

describe("line 48: how s3-tests cleans up", () => {
  it("lists versions, deletes them quietly as `null` past governance, and drops the bucket", () => {
    const list = request("GET", "/b?versions&max-keys=128");
    expect(detectOperation(list).name).toBe("ListObjectVersions");
    const keys = Array.from({ length: 130 }, (_, n) => [`k${n}`, n] as const);
    const page = pageObjectVersions(new MemoryCursor(keys), parseListObjectVersions(list.query));
    expect([page.contents.length, page.nextVersionIdMarker]).toEqual([128, "null"]);
    const remove = request("POST", "/b?delete", [
      ["Host", "localhost"],
      ["x-amz-bypass-governance-retention", "true"],
    ]);
    expect(detectOperation(remove).name).toBe("DeleteObjects");
    expect(() => checkPromisedHeaders(remove.headers)).not.toThrow();
    const objects = page.contents
      .map(({ key }) => `<Object><Key>${key.toString()}</Key><VersionId>null</VersionId></Object>`)
      .join("");
    const parsed = parseDelete(Buffer.from(`<Delete>${objects}<Quiet>true</Quiet></Delete>`));
    expect([parsed.objects.length, parsed.isQuiet, parsed.objects[0]!.versionId]).toEqual([128, true, "null"]);
    expect(detectOperation(request("DELETE", "/b")).name).toBe("DeleteBucket");
  });
});

describe("line 49: where s3-tests contradicts AWS we follow AWS", () => {
  it("PUT and Complete with If-None-Match: etag", () => {
    expect(refusal(() => parseWriteCondition(headers({ "If-None-Match": '"abc"' })))).toBe("501 NotImplemented");
  });

  it("a part number beyond the last", () => {
    expect(refusal(() => selectPart(3, { sizeBytes: 1, parts: [{ partNumber: 1, sizeBytes: 1 }] }))).toBe(
      "416 InvalidPartNumber",
    );
  });

  it("UploadPartCopy beyond the source", () => {
    expect(refusal(() => parseCopySourceRange("bytes=0-21", 5))).toBe("400 InvalidArgument");
  });

  it("a malformed checksum", () => {
    expect(refusal(() => parseExpectedDigests(headers({ "x-amz-checksum-sha256": "bad" })))).toBe("400 InvalidRequest");
  });

  it("policyStatus without a policy", () => {
    const question = { bucket: "b", owner: { id: "o", displayName: "o" }, id: null };
    expect(refusal(() => renderUnsetBucketConfiguration("policyStatus", question))).toBe("404 NoSuchBucketPolicy");
  });

  it("DELETE with If-Match of an absent key", () => {
    const condition = parseDeleteCondition(headers({ "If-Match": '"abc"' }), null);
    expect(refusal(() => checkWriteCondition(condition, null, "k"))).toBe("404 NoSuchKey");
  });

  it("and follow s3-tests where AWS's clients cannot tell: %20, InvalidTag, plain chunked bodies", () => {
    expect(encodePercentPath("a b")).toBe("a%20b");
    expect(parseQuery("prefix=a%20b").get("prefix")).toBe("a b");
    expect(refusal(() => checkObjectTags(Array.from({ length: 11 }, (_, n) => ({ key: `k${n}`, value: "" }))))).toBe(
      "400 InvalidTag",
    );
    expect(planBody(headers({ "Transfer-Encoding": "chunked" }), { kind: "unsigned" }).lengthBytes).toBeNull();
  });
});
