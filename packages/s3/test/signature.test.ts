import { describe, expect, it } from "vitest";
import { parseRequest, SigningKeys, verifySignature, type Authentication, type RequestHead } from "../src/index.ts";
import { caught } from "./caught.ts";
import {
  emptySha256,
  exampleAccessKey,
  exampleAmzDate,
  exampleNowMs,
  exampleSecret,
  head,
  type HeaderPairs,
} from "./make-request.ts";

const secrets = new Map([
  [exampleAccessKey, exampleSecret],
  ["minioadmin", "minioadmin"],
]);

function verify(requestHead: RequestHead, nowMs = exampleNowMs): Authentication {
  const request = parseRequest(requestHead, { domains: ["s3.amazonaws.com"] });
  return verifySignature(
    request,
    { signingKeys: new SigningKeys(), lookupSecret: (accessKey) => secrets.get(accessKey) ?? null },
    nowMs,
  );
}

function failure(
  requestHead: RequestHead,
  nowMs = exampleNowMs,
): { code: string; status: number; detail: Record<string, unknown> } {
  const error = caught(() => verify(requestHead, nowMs));
  return { code: error.code, status: error.status, detail: error.detail };
}

const examplePath = (signature: string, signedHeaders: string): string =>
  `AWS4-HMAC-SHA256 Credential=${exampleAccessKey}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`;

describe("line 3: the canonical form, against the examples of AWS's documentation", () => {
  const host: HeaderPairs[number] = ["Host", "examplebucket.s3.amazonaws.com"];
  const date: HeaderPairs[number] = ["x-amz-date", exampleAmzDate];
  const empty: HeaderPairs[number] = ["x-amz-content-sha256", emptySha256];

  it("GET of an object with Range", () => {
    const signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    const authorization = examplePath(signature, "host;range;x-amz-content-sha256;x-amz-date");
    const result = verify(
      head("GET", "/test.txt", [host, ["Authorization", authorization], ["Range", "bytes=0-9"], empty, date]),
    );
    expect(result).toMatchObject({
      kind: "signed",
      accessKey: exampleAccessKey,
      region: "us-east-1",
      isPresigned: false,
      payloadMode: { kind: "literal" },
    });
  });

  it("PUT of an object whose key has a dollar sign", () => {
    const signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd";
    const payload = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    const authorization = examplePath(signature, "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class");
    const headers: HeaderPairs = [
      host,
      ["Date", "Fri, 24 May 2013 00:00:00 GMT"],
      ["Authorization", authorization],
      date,
      ["x-amz-storage-class", "REDUCED_REDUNDANCY"],
      ["x-amz-content-sha256", payload],
    ];
    expect(verify(head("PUT", "/test%24file.text", headers))).toMatchObject({
      payloadMode: { kind: "literal", sha256: payload },
    });
  });

  it("GET of a sub-resource without a value", () => {
    const authorization = examplePath(
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
      "host;x-amz-content-sha256;x-amz-date",
    );
    expect(verify(head("GET", "/?lifecycle", [host, ["Authorization", authorization], date, empty])).kind).toBe(
      "signed",
    );
  });

  it("GET of a list with parameters", () => {
    const authorization = examplePath(
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
      "host;x-amz-content-sha256;x-amz-date",
    );
    expect(
      verify(head("GET", "/?max-keys=2&prefix=J", [host, ["Authorization", authorization], date, empty])).kind,
    ).toBe("signed");
    expect(
      verify(head("GET", "/?prefix=J&max-keys=2", [host, ["Authorization", authorization], date, empty])).kind,
    ).toBe("signed");
  });

  it("a presigned GET", () => {
    const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${exampleAccessKey}%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404`;
    expect(verify(head("GET", `/test.txt?${query}`, [host]))).toMatchObject({
      kind: "signed",
      isPresigned: true,
      payloadMode: { kind: "unsigned" },
    });
  });
});

describe("line 3: the canonical form, against what minio-go put on the wire", () => {
  const nowMs = Date.UTC(2026, 10, 22, 18, 7, 7);
  const wire = (method: string, target: string, headers: HeaderPairs): RequestHead =>
    head(method, target, [["Host", "127.0.0.1:19876"], ...headers]);

  it("signs `?location=` and a bucket with a trailing slash", () => {
    const signature = "3bc7457c7f9110026d39eda1206f54f0015a47dba120874035ccbd0ddff7384f";
    const authorization = `AWS4-HMAC-SHA256 Credential=minioadmin/20261122/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${signature}`;
    const headers: HeaderPairs = [
      ["User-Agent", "MinIO"],
      ["Authorization", authorization],
      ["X-Amz-Content-Sha256", emptySha256],
      ["X-Amz-Date", "20261122T180707Z"],
    ];
    expect(verify(wire("GET", "/a-bucket/?location=", headers), nowMs)).toMatchObject({ accessKey: "minioadmin" });
    expect(failure(wire("GET", "/a-bucket/?locatio=", headers), nowMs).code).toBe("SignatureDoesNotMatch");
  });

  it("accepts an Authorization header without spaces after its commas", () => {
    const signature = "d4b434f152c920c87206e1ac7807151d9b56bc6de983f8d0b6ea77a3e8d761ff";
    const authorization = `AWS4-HMAC-SHA256 Credential=minioadmin/20261122/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length,Signature=${signature}`;
    const headers: HeaderPairs = [
      ["Content-Length", "102665"],
      ["Authorization", authorization],
      ["Content-Type", "application/octet-stream"],
      ["X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"],
      ["X-Amz-Date", "20261122T180707Z"],
      ["X-Amz-Decoded-Content-Length", "102400"],
    ];
    const result = verify(wire("PUT", "/a-bucket/files/stats_log/1/2/3/100/4", headers), nowMs);
    expect(result).toMatchObject({
      payloadMode: { kind: "streaming-signed" },
      signingContext: { seedSignature: signature },
    });
  });
});
