import { parseRequest, SigningKeys, verifySignature, type Authentication } from "@kakera/s3";
import { describe, expect, test } from "vitest";
import { objectPath } from "../src/app/signing/percent.ts";
import { emptyDigest, presignUrl, SessionExpired, signRequest } from "../src/app/signing/sign-request.ts";
import { deriveKeys } from "../src/app/signing/signing-keys.ts";

const nowMs = 1_795_974_300_000;
const dayMs = 86_400_000;
const given = { accessKey: "somebody", secretKey: "kept-to-oneself" };
const keys = deriveKeys(given, "eu-west-7", nowMs);
const host = "store.example:9001";

function verify(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
  atMs = nowMs,
): Authentication {
  const rawHeaders = Object.entries({ host, ...headers }).flat();
  const request = parseRequest(
    { method, target, httpVersion: "1.1", isTls: false, rawHeaders },
    { domains: ["localhost"] },
  );
  const lookupSecret = (accessKey: string) => (accessKey === given.accessKey ? given.secretKey : null);
  return verifySignature(request, { signingKeys: new SigningKeys(), lookupSecret }, atMs);
}

const hostileNames = [
  "plain.txt",
  "a b+c&d=e?f#g%h",
  "<script>alert(1)</script>",
  `"quotes" and 'quotes'`,
  "line\nbreak\r\ttab",
  "\u202egpj.exe",
  "😀/日本/",
  "a/./b/../../c",
  "//two//slashes//",
  "~!*'()",
  "long/".repeat(200),
];

describe("what the browser signs", () => {
  test.each(hostileNames)("is what the server's verifier takes, for the object %j", (key) => {
    const path = objectPath("bucket", key) as string;
    for (const method of ["GET", "PUT", "HEAD", "DELETE"]) {
      const signed = signRequest(
        {
          method,
          host,
          path,
          query: { uploadId: "a/b+c=", partNumber: "7" },
          headers: { range: "bytes=0-9" },
          bodyDigest: emptyDigest,
        },
        keys,
        nowMs,
      );
      expect(verify(method, signed.target, signed.headers)).toMatchObject({ kind: "signed", accessKey: "somebody" });
    }
  });

  test.each(hostileNames)("reaches the object %j through a browser's reading of the URL", (key) => {
    const path = objectPath("bucket", key) as string;
    const read = new URL(path, "http://localhost:9001").pathname;
    expect(read).toBe(path);
    const request = parseRequest(
      { method: "GET", target: read, httpVersion: "1.1", isTls: false, rawHeaders: ["host", "localhost:9001"] },
      { domains: ["localhost"] },
    );
    expect(request.bucket).toBe("bucket");
    expect(request.key?.text).toBe(key);
  });

  test("is nothing for the two names that a browser takes for steps", () => {
    expect([objectPath("bucket", "."), objectPath("bucket", "..")]).toEqual([null, null]);
  });

  test("is refused when anything of it is changed on the way", () => {
    const signed = signRequest(
      { method: "PUT", host, path: "/b/k", query: {}, headers: {}, bodyDigest: emptyDigest },
      keys,
      nowMs,
    );
    expect(() => verify("DELETE", signed.target, signed.headers)).toThrow();
    expect(() => verify("PUT", "/b/other", signed.headers)).toThrow();
    expect(() => verify("PUT", signed.target, { ...signed.headers, "x-amz-content-sha256": "0".repeat(64) })).toThrow();
  });

  test("is a link that the S3 endpoint takes until it expires", () => {
    const link = presignUrl(
      {
        endpoint: `http://${host}`,
        path: "/b/k%20x",
        query: { "response-content-type": "text/plain" },
        expiresSeconds: 60,
      },
      keys,
      nowMs,
    );
    const { pathname, search } = new URL(link);
    expect(verify("GET", pathname + search, {}, nowMs + 59_000)).toMatchObject({ kind: "signed" });
    expect(() => verify("GET", pathname + search, {}, nowMs + 61_000)).toThrow(/expired/i);
  });
});

describe("the keys of a session", () => {
  test("hold no secret, and sign for today and tomorrow only", () => {
    expect(JSON.stringify(keys)).not.toContain(given.secretKey);
    const request = { method: "GET", host, path: "/", query: {}, headers: {}, bodyDigest: emptyDigest };
    const tomorrow = signRequest(request, keys, nowMs + dayMs);
    expect(verify("GET", tomorrow.target, tomorrow.headers, nowMs + dayMs)).toMatchObject({ kind: "signed" });
    expect(() => signRequest(request, keys, nowMs + 2 * dayMs)).toThrow(SessionExpired);
  });
});
