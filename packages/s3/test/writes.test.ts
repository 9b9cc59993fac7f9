import { describe, expect, it } from "vitest";
import {
  checkBucketTags,
  checkCopyOntoItself,
  checkExpectedOwner,
  checkObjectTags,
  checkPromisedHeaders,
  collectSystemHeaders,
  collectUserMetadata,
  HeaderIndex,
  objectHeaders,
  objectKeyFromText,
  parseCopyDirectives,
  parseCopySource,
  parseCopySourceRange,
  parseTaggingHeader,
  type CopySource,
} from "../src/index.ts";
import { caught } from "./caught.ts";

const headers = (pairs: Record<string, string>): HeaderIndex => new HeaderIndex(Object.entries(pairs).flat());
const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

describe("line 7: aws-chunked is not kept as an encoding", () => {
  const encoding = (...values: string[]): string | null =>
    collectSystemHeaders(new HeaderIndex(values.flatMap((value) => ["Content-Encoding", value]))).contentEncoding;

  it("beside another it leaves the other, alone or twice it leaves nothing", () => {
    expect(encoding("aws-chunked,gzip")).toBe("gzip");
    expect(encoding("gzip, aws-chunked")).toBe("gzip");
    expect(encoding("gzip", "AWS-Chunked")).toBe("gzip");
    expect(encoding("aws-chunked")).toBeNull();
    expect(encoding("aws-chunked,aws-chunked")).toBeNull();
    expect(encoding("aws-chunked", "")).toBeNull();
    expect(encoding("br,  gzip")).toBe("br,  gzip");
    expect(encoding()).toBeNull();
  });
});

describe("line 11: system headers", () => {
  it("are kept byte for byte, and absent when they were not sent or empty", () => {
    const sent = headers({
      "Content-Type": latin1("text/plain; name=é"),
      "CACHE-CONTROL": "no-cache,  x",
      Expires: "whenever",
      "Content-Language": "",
    });
    expect(collectSystemHeaders(sent)).toEqual({
      contentType: latin1("text/plain; name=é"),
      contentEncoding: null,
      contentDisposition: null,
      contentLanguage: null,
      cacheControl: "no-cache,  x",
      expires: "whenever",
    });
  });
});

describe("line 12: user metadata", () => {
  it("has lower-case names, joined duplicates and empty values, in the order sent", () => {
    const sent = new HeaderIndex([
      "X-Amz-Meta-B",
      "1",
      "x-amz-meta-A",
      "",
      "x-amz-META-b",
      "2",
      "x-amz-meta-__proto__",
      "3",
      "x-amz-other",
      "4",
    ]);
    expect(collectUserMetadata(sent)).toEqual([
      { name: "b", value: "1,2" },
      { name: "a", value: "" },
      { name: "__proto__", value: "3" },
    ]);
  });

  it("comes back as the bytes that came, in chars that Node's header writer takes", () => {
    const value = latin1("größe 漢字 \u{1f600}");
    const given = objectHeaders(
      collectSystemHeaders(headers({})),
      collectUserMetadata(headers({ "x-amz-meta-name": value })),
    );
    expect(given.slice(-2)).toEqual(["x-amz-meta-name", value]);
    // What node:http refuses with ERR_INVALID_CHAR.
    for (const text of given) expect(text).toMatch(/^[\t\x20-\x7e\x80-\xff]*$/);
  });

  it("is at most 2 KB of names and values, counted as bytes", () => {
    expect(collectUserMetadata(headers({ "x-amz-meta-a": "v".repeat(2047) }))).toHaveLength(1);
    expect(
      caught(() =>
        collectUserMetadata(headers({ "x-amz-meta-a": "v".repeat(2000), "x-amz-meta-b": latin1("é".repeat(24)) })),
      ),
    ).toMatchObject({
      status: 400,
      code: "MetadataTooLarge",
      detail: { Size: 2050, MaxSizeAllowed: 2048 },
    });
  });
});

describe("line 26: what is accepted without effect, and what is never ignored", () => {
  const accepted: readonly Record<string, string>[] = [
    { "x-amz-acl": "private" },
    { "x-amz-acl": "bucket-owner-full-control" },
    { "x-amz-storage-class": "STANDARD" },
    { "x-amz-request-payer": "requester" },
    { "x-amz-bypass-governance-retention": "true" },
    { "x-amz-bucket-object-lock-enabled": "false" },
    { "x-amz-object-ownership": "BucketOwnerEnforced" },
    { "x-amz-meta-x-amz-acl": "public-read" },
    { "content-type": "a/b" },
  ];
  it.each(accepted)("accepts %o", (pairs) => {
    expect(() => checkPromisedHeaders(headers(pairs))).not.toThrow();
  });

  const promised: readonly (readonly [string, string])[] = [
    ["x-amz-acl", "public-read"],
    ["x-amz-acl", "authenticated-read"],
    ["x-amz-grant-read", "id=a"],
    ["x-amz-grant-full-control", "id=a"],
    ["x-amz-server-side-encryption", "AES256"],
    ["x-amz-server-side-encryption-customer-algorithm", "AES256"],
    ["x-amz-server-side-encryption-bucket-key-enabled", "true"],
    ["x-amz-copy-source-server-side-encryption-customer-key", "k"],
    ["x-amz-object-lock-mode", "COMPLIANCE"],
    ["x-amz-object-lock-legal-hold", "ON"],
    ["x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00Z"],
    ["x-amz-bucket-object-lock-enabled", "true"],
    ["x-amz-website-redirect-location", "/x"],
    ["x-amz-storage-class", "GLACIER"],
    ["x-amz-storage-class", "REDUCED_REDUNDANCY"],
    ["x-amz-write-offset-bytes", "5"],
    ["x-amz-object-ownership", "ObjectWriter"],
  ];
  it.each(promised)("refuses %s: %s and names it", (name, value) => {
    expect(caught(() => checkPromisedHeaders(headers({ [name]: value })))).toMatchObject({
      status: 501,
      code: "NotImplemented",
      detail: { Header: name },
    });
  });

  it("values that S3 does not know are 400", () => {
    expect(caught(() => checkPromisedHeaders(headers({ "x-amz-acl": "secret" }))).code).toBe("InvalidArgument");
    expect(caught(() => checkPromisedHeaders(headers({ "x-amz-storage-class": "FAST" }))).code).toBe(
      "InvalidStorageClass",
    );
  });

  it("expected owners are compared", () => {
    for (const name of ["x-amz-expected-bucket-owner", "X-Amz-Source-Expected-Bucket-Owner"]) {
      expect(() => checkExpectedOwner(headers({ [name]: "me" }), ["me", "123456789012"])).not.toThrow();
      expect(caught(() => checkExpectedOwner(headers({ [name]: "other" }), ["me"]))).toMatchObject({
        status: 403,
        code: "AccessDenied",
      });
    }
  });
});

describe("line 27: tags", () => {
  const tags = (count: number) => Array.from({ length: count }, (_, n) => ({ key: `k${n}`, value: "v" }));

  it("of x-amz-tagging are form-encoded; a key may stand without a value", () => {
    expect(parseTaggingHeader("a=1&b&c=x%20y+z&d%3D=%C3%A9&e=f%3Dg")).toEqual([
      { key: "a", value: "1" },
      { key: "b", value: "" },
      { key: "c", value: "x y z" },
      { key: "d=", value: "é" },
      { key: "e", value: "f=g" },
    ]);
    expect(parseTaggingHeader("")).toEqual([]);
  });

  it("that are malformed are InvalidArgument", () => {
    for (const header of ["a=%zz", "a=%ff", "=x", "%"])
      expect(caught(() => parseTaggingHeader(header))).toMatchObject({ status: 400, code: "InvalidArgument" });
  });

  it("over 10, repeated, with a key over 128 or a value over 256 characters are InvalidTag", () => {
    const bad = [
      tags(11),
      [...tags(1), ...tags(1)],
      [{ key: "k".repeat(129), value: "" }],
      [{ key: "k", value: "v".repeat(257) }],
      [{ key: "", value: "" }],
      [{ key: "aws:x", value: "" }],
    ];
    for (const list of bad)
      expect(caught(() => checkObjectTags(list))).toMatchObject({ status: 400, code: "InvalidTag" });
    expect(caught(() => parseTaggingHeader("a=1&a=2")).code).toBe("InvalidTag");
    expect(() =>
      checkObjectTags([...tags(9), { key: "\u{1f600}".repeat(128), value: "漢".repeat(256) }]),
    ).not.toThrow();
  });

  it("buckets may have 50", () => {
    expect(() => checkBucketTags(tags(50))).not.toThrow();
    expect(caught(() => checkBucketTags(tags(51))).code).toBe("InvalidTag");
  });
});

describe("line 33: copies", () => {
  const source = (value: string): [string, string, string | null] => {
    const parsed = parseCopySource(value);
    return [parsed.bucket, parsed.key.text, parsed.versionId];
  };

  it("the source is decoded once, its leading slash is optional, its version in a query", () => {
    expect(source("bucket/key")).toEqual(["bucket", "key", null]);
    expect(source("/bucket/a%20b/%E6%BC%A2+c%2525")).toEqual(["bucket", "a b/漢+c%25", null]);
    expect(source("bucket%2Fa%2Fb")).toEqual(["bucket", "a/b", null]);
    expect(source("%2Fbucket%2Fa")).toEqual(["bucket", "a", null]);
    expect(source("bucket//a/")).toEqual(["bucket", "/a/", null]);
    expect(source("/bucket/key?versionId=null")).toEqual(["bucket", "key", "null"]);
    expect(source("/bucket/a%3FversionId=1?versionId=2")).toEqual(["bucket", "a?versionId=1", "2"]);
    expect(source("bucket/why?")).toEqual(["bucket", "why?", null]);
    expect(source(latin1("bucket/größe"))).toEqual(["bucket", "größe", null]);
  });

  it("a broken source, or one without key, is InvalidArgument", () => {
    for (const value of [
      "",
      "/",
      "bucket",
      "bucket/",
      "/bucket/",
      "bucket/%zz",
      "bucket/%ff",
      "bucket/%00",
      "b%C3%BCcket/key",
      "//key",
      "arn:aws:s3:::b/k",
    ]) {
      expect(
        caught(() => parseCopySource(value)),
        value,
      ).toMatchObject({ status: 400, code: "InvalidArgument" });
    }
  });

  it("a source never reaches another bucket than the one it names", () => {
    for (const value of [
      "/mine/../victim/secret",
      "/mine/%2e%2e/victim/secret",
      "/mine%2F..%2Fvictim/secret",
      "mine/a/../../x",
    ]) {
      expect(caught(() => parseCopySource(value)).code).toBe("InvalidArgument");
    }
    expect(source("/mine%2F%252e%252e%2Fvictim")).toEqual(["mine", "%2e%2e/victim", null]);
  });

  it("onto itself needs REPLACE; tags follow their own directive", () => {
    const itself: CopySource = parseCopySource("bucket/key");
    const destination = { bucket: "bucket", key: objectKeyFromText("key") };
    const directives = (pairs: Record<string, string>) => parseCopyDirectives(headers(pairs));
    expect(directives({})).toEqual({ metadata: "COPY", tagging: "COPY" });
    expect(directives({ "x-amz-metadata-directive": "REPLACE" })).toEqual({ metadata: "REPLACE", tagging: "COPY" });
    expect(
      caught(() => checkCopyOntoItself(itself, destination, directives({ "x-amz-tagging-directive": "REPLACE" }))),
    ).toMatchObject({ status: 400, code: "InvalidRequest" });
    expect(() =>
      checkCopyOntoItself(itself, destination, directives({ "x-amz-metadata-directive": "REPLACE" })),
    ).not.toThrow();
    expect(() => checkCopyOntoItself(itself, { ...destination, bucket: "other" }, directives({}))).not.toThrow();
    expect(() =>
      checkCopyOntoItself(itself, { ...destination, key: objectKeyFromText("key/") }, directives({})),
    ).not.toThrow();
    for (const name of ["x-amz-metadata-directive", "x-amz-tagging-directive"]) {
      for (const value of ["", "replace", "MOVE"])
        expect(caught(() => directives({ [name]: value }))).toMatchObject({ status: 400, code: "InvalidArgument" });
    }
  });
});

describe("line 34: the range of UploadPartCopy", () => {
  it("is only bytes=first-last, inside the source", () => {
    expect(parseCopySourceRange(null, 10)).toBeNull();
    expect(parseCopySourceRange("bytes=0-9", 10)).toEqual({ firstByte: 0, lastByte: 9 });
    expect(parseCopySourceRange("bytes=4-4", 10)).toEqual({ firstByte: 4, lastByte: 4 });
    for (const value of [
      "bytes=0-10",
      "bytes=10-11",
      "bytes=5-4",
      "bytes=5-",
      "bytes=-5",
      "0-5",
      "bytes=0-1,2-3",
      "bytes=a-b",
      "",
      "bytes=0-0x5",
      `bytes=0-${"9".repeat(20)}`,
    ]) {
      expect(
        caught(() => parseCopySourceRange(value, 10)),
        value,
      ).toMatchObject({ status: 400, code: "InvalidArgument" });
    }
    expect(caught(() => parseCopySourceRange("bytes=0-0", 0)).code).toBe("InvalidArgument");
  });
});
