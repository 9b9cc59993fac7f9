import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bucketNameFault,
  checkNewBucketName,
  HeaderIndex,
  objectLocation,
  parseRequest,
  type S3Request,
} from "../src/index.ts";
import { caught } from "./caught.ts";
import { head, request } from "./make-request.ts";

const address = (target: string, host = "localhost:9000"): [string | null, string | null] => {
  const { bucket, key } = request("GET", target, [["Host", host]]);
  return [bucket, key?.text ?? null];
};
const refusal = (target: string): string => {
  const error = caught(() => request("GET", target));
  return `${error.status} ${error.code}`;
};

describe("line 2: bucket and key come from the raw target", () => {
  it("service, bucket (with and without slash) and key", () => {
    expect(address("/")).toEqual([null, null]);
    expect(address("/?x=1")).toEqual([null, null]);
    expect(address("/bucket")).toEqual(["bucket", null]);
    expect(address("/bucket/")).toEqual(["bucket", null]);
    expect(address("/bucket/key?a=b")).toEqual(["bucket", "key"]);
  });

  it("are decoded once: plus signs, slashes, dots and what looks encoded stay", () => {
    expect(address("/b.b/a+b")).toEqual(["b.b", "a+b"]);
    expect(address("/bucket/a%2Fb")).toEqual(["bucket", "a/b"]);
    expect(address("/bucket/a%252Fb")).toEqual(["bucket", "a%2Fb"]);
    expect(address("/bucket//a//b/")).toEqual(["bucket", "/a//b/"]);
    expect(address("/bucket/a/./b/../c")).toEqual(["bucket", "a/./b/../c"]);
    expect(address("/bucket/%E6%BC%A2%20x%3F")).toEqual(["bucket", "漢 x?"]);
    expect(address("/bucket/a?b=/c?d")).toEqual(["bucket", "a"]);
    expect(address("/bucket/constructor")).toEqual(["bucket", "constructor"]);
    expect(address("/bucket/__proto__")).toEqual(["bucket", "__proto__"]);
  });

  it("take raw UTF-8 bytes too, which Node hands over as latin1", () => {
    const raw = Buffer.from("/bucket/größe", "utf8").toString("latin1");
    expect(address(raw)).toEqual(["bucket", "größe"]);
  });

  it("give the key as bytes and as text, for any key", () => {
    const text = fc
      .string({ unit: "binary", minLength: 1, maxLength: 200 })
      .filter((key) => !key.includes("\0") && !key.includes("..") && key.isWellFormed());
    fc.assert(
      fc.property(text, (key) => {
        fc.pre(Buffer.byteLength(key) <= 1024);
        const parsed = request("GET", `/bucket/${encodeURIComponent(key)}`).key!;
        expect(parsed.text).toBe(key);
        expect(parsed.bytes.equals(Buffer.from(key, "utf8"))).toBe(true);
      }),
    );
  });

  it("refuse what is not UTF-8, a NUL, and broken percent encoding", () => {
    for (const key of ["%ff", "%c0%ae", "%ed%a0%80", "%00", "a%00b", "%", "%4", "%zz", "a%2"]) {
      expect(refusal(`/bucket/${key}`)).toBe("400 InvalidURI");
    }
    expect(refusal("/bucket?prefix=%ff")).toBe("400 InvalidURI");
    expect(refusal("/bucket?prefix=%")).toBe("400 InvalidURI");
    expect(refusal("bucket/key")).toBe("400 InvalidURI");
    expect(refusal("")).toBe("400 InvalidURI");
  });

  it("refuse what climbs above the root, in any spelling, and nothing else with dots", () => {
    for (const target of [
      "/mine/../victim/secret",
      "/mine/%2e%2e/victim",
      "/mine/a/../../x",
      "/mine/..",
      "/mine/a//../..",
      "/mine/./../x",
      "/mine/..%2Fvictim%2Fx",
      "/../victim",
      "/%2e%2e/x",
    ]) {
      expect(refusal(target)).toBe("400 InvalidURI");
    }
    expect(address("/mine/a/..")).toEqual(["mine", "a/.."]);
    expect(address("/mine/..a/b..")).toEqual(["mine", "..a/b.."]);
    expect(address("/mine/..%5cx")).toEqual(["mine", "..\\x"]);
  });

  it("refuse a key over 1024 bytes, counted as bytes", () => {
    expect(address(`/bucket/${"k".repeat(1024)}`)[1]).toHaveLength(1024);
    expect(address(`/bucket/${"%C3%A9".repeat(512)}`)[1]).toHaveLength(512);
    const error = caught(() => request("GET", `/bucket/${"%C3%A9".repeat(513)}`));
    expect([error.status, error.code, error.detail]).toEqual([
      400,
      "KeyTooLongError",
      { Size: 1026, MaxSizeAllowed: 1024 },
    ]);
  });

  it("refuse a bucket that could not exist, an encoded slash in it included", () => {
    for (const target of ["//key", "/a%2Fb/key", "/b%C3%A9/key", "/%2e/key", "/.../key"])
      expect(refusal(target)).toBe("400 InvalidBucketName");
  });

  it("decode the query as a form: a plus is a space, a name may stand alone", () => {
    const { query } = request("GET", "/bucket?prefix=a+b%2Bc&location&delimiter=%2F&empty=&&__proto__=1");
    expect(query.get("prefix")).toBe("a b+c");
    expect(query.get("location")).toBe("");
    expect(query.get("empty")).toBe("");
    expect(query.get("missing")).toBeNull();
    expect(query.get("__proto__")).toBe("1");
    expect(({} as Record<string, unknown>)["1"]).toBeUndefined();
  });
});

describe("line 22: names of new buckets", () => {
  it("follow AWS's rules", () => {
    for (const name of [
      "abc",
      "a-b.c1",
      "a".repeat(63),
      "1bucket",
      "my.bucket.name",
      "health",
      "metrics",
      "192.168.1",
    ]) {
      expect(bucketNameFault(name)).toBeNull();
    }
    const bad = [
      "ab",
      "a".repeat(64),
      "Abc",
      "a_b",
      "-abc",
      "abc-",
      ".abc",
      "abc.",
      "a..b",
      "a.-b",
      "a-.b",
      "192.168.1.1",
      "xn--a",
      "sthree-a",
      "amzn-s3-demo-bucket",
      "a-s3alias",
      "a--ol-s3",
      "a.mrap",
      "a--x-s3",
      "a--table-s3",
      "bücket",
      "a b c",
      "",
    ];
    for (const name of bad) expect(bucketNameFault(name), name).not.toBeNull();
  });

  it("are refused when they are our own paths, and the error says why", () => {
    for (const name of ["minio", "rustfs", "kakera"]) {
      const error = caught(() => checkNewBucketName(name));
      expect([error.status, error.code]).toEqual([400, "InvalidBucketName"]);
      expect(error.message).toContain("own paths");
    }
    expect(() => checkNewBucketName("minio-data")).not.toThrow();
  });
});

describe("line 38: keys are opaque", () => {
  it("a, a/, a/b and a//b are four keys", () => {
    const keys = ["/bucket/a", "/bucket/a/", "/bucket/a/b", "/bucket/a//b"].map((target) => address(target)[1]);
    expect(keys).toEqual(["a", "a/", "a/b", "a//b"]);
  });
});

describe("line 39: virtual host and path style", () => {
  it("a bucket in front of a configured domain or localhost, with any port", () => {
    expect(address("/key", "bucket.s3.example.com")).toEqual(["bucket", "key"]);
    expect(address("/a/b", "Bucket-1.S3.EXAMPLE.com:9000")).toEqual(["bucket-1", "a/b"]);
    expect(address("/", "bucket.localhost:9000")).toEqual(["bucket", null]);
    expect(address("//a", "bucket.localhost")).toEqual(["bucket", "/a"]);
    expect(address("/key", "dotted.name.localhost")).toEqual(["dotted.name", "key"]);
  });

  it("path style for the domain itself, other hosts, addresses, and no host at all", () => {
    for (const host of [
      "s3.example.com",
      "localhost:9000",
      "127.0.0.1:9000",
      "[::1]:9000",
      "other.host",
      "evils3.example.com",
      "",
      ".localhost",
    ]) {
      expect(address("/bucket/key", host)).toEqual(["bucket", "key"]);
    }
    const withoutHost = parseRequest({ ...head("GET", "/bucket/key", []), httpVersion: "1.0" }, { domains: [] });
    expect(withoutHost.bucket).toBe("bucket");
  });

  it("prefers the longer of two domains that fit", () => {
    const parse = (host: string): S3Request =>
      parseRequest(head("GET", "/key", [["Host", host]]), { domains: ["example.com", "s3.example.com"] });
    expect(parse("bucket.s3.example.com").bucket).toBe("bucket");
    expect(parse("bucket.example.com").bucket).toBe("bucket");
    expect(parse("s3.example.com").bucket).toBe("key");
  });

  it("does not believe X-Forwarded-Host", () => {
    const parsed = request("GET", "/bucket/key", [
      ["Host", "localhost"],
      ["X-Forwarded-Host", "victim.localhost"],
    ]);
    expect(parsed.bucket).toBe("bucket");
  });

  it("gives the address back that the client used", () => {
    expect(objectLocation(request("POST", "/bucket/a%20b/c?uploadId=1"))).toBe("http://localhost:9000/bucket/a%20b/c");
    expect(objectLocation(request("POST", "/a%0D%0Ab", [["Host", "bucket.localhost:9000"]]))).toBe(
      "http://bucket.localhost:9000/a%0D%0Ab",
    );
  });
});

describe("line 47: other forms of the same request", () => {
  it("absolute-form targets", () => {
    expect(address("http://localhost:9000/bucket/key?x=1")).toEqual(["bucket", "key"]);
    expect(address("HTTP://localhost:9000")).toEqual([null, null]);
    expect(address("http://localhost:9000?list-type=2")).toEqual([null, null]);
    expect(address("https://bucket.localhost/key", "bucket.localhost")).toEqual(["bucket", "key"]);
    expect(request("GET", "http://localhost:9000/b/k?prefix=a").query.get("prefix")).toBe("a");
  });

  it("but not for another host than the Host header names, nor with two Host headers", () => {
    expect(refusal("http://victim.localhost/key")).toBe("400 InvalidRequest");
    const two = caught(() =>
      request("GET", "/bucket/key", [
        ["Host", "localhost"],
        ["host", "victim.localhost"],
      ]),
    );
    expect(two.code).toBe("InvalidRequest");
  });

  it("header names in any case, and names that are special to JavaScript", () => {
    const headers = new HeaderIndex(["X-Amz-Meta-A", "1", "x-amz-META-a", "2", "__proto__", "3", "Constructor", "4"]);
    expect(headers.joined("x-amz-meta-a")).toBe("1,2");
    expect(headers.first("x-amz-meta-a")).toBe("1");
    expect(headers.first("__proto__")).toBe("3");
    expect(headers.first("constructor")).toBe("4");
    expect(headers.has("tostring")).toBe(false);
  });
});
