import { createHash, createHmac } from "node:crypto";
import { parseRequest, type RequestHead, type S3Request } from "../src/index.ts";

/** The example key pair of AWS's documentation. */
export const exampleAccessKey = "AKIAIOSFODNN7EXAMPLE";
export const exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
export const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/** 2013-05-24T00:00:00Z, the moment of all examples there. */
export const exampleNowMs = Date.UTC(2013, 4, 24);
export const exampleAmzDate = "20130524T000000Z";

export type HeaderPairs = readonly (readonly [name: string, value: string])[];

export function head(method: string, target: string, headers: HeaderPairs = [["Host", "localhost:9000"]]): RequestHead {
  return { method, target, rawHeaders: headers.flat(), httpVersion: "1.1", isTls: false };
}

export function request(method: string, target: string, headers?: HeaderPairs): S3Request {
  return parseRequest(head(method, target, headers), { domains: ["s3.example.com", "s3.amazonaws.com"] });
}

export interface SigningInput {
  readonly method: string;
  /** Path and query as they go over the wire; the query is signed as it stands, sorted. */
  readonly target: string;
  /** Signed all, but those in `unsigned`. x-amz-date and x-amz-content-sha256 are added. */
  readonly headers: HeaderPairs;
  readonly unsigned?: HeaderPairs;
  readonly payloadHash?: string;
  readonly amzDate?: string;
  readonly region?: string;
  readonly secret?: string;
  /** "no": the request carries a Date header instead. */
  readonly withAmzDate?: "no";
}

/** Signs with the Authorization header, written from AWS's description and apart from the code under test. */
export function signedHead(input: SigningInput): RequestHead {
  const { payloadHash = emptySha256, amzDate = exampleAmzDate, region = "us-east-1", secret = exampleSecret } = input;
  const date: HeaderPairs = input.withAmzDate === "no" ? [] : [["x-amz-date", amzDate]];
  const signed: HeaderPairs = [...input.headers, ...date, ["x-amz-content-sha256", payloadHash]];
  const scope = `${amzDate.slice(0, 8)}/${region}/s3/aws4_request`;
  const names = [...new Set(signed.map(([name]) => name.toLowerCase()))].sort();
  const valueOf = (name: string): string =>
    signed
      .filter(([n]) => n.toLowerCase() === name)
      .map(([, value]) => value.trim().replace(/\s+/g, " "))
      .join(",");
  const [path, query = ""] = input.target.split("?") as [string, string?];
  const canonicalQuery = query
    .split("&")
    .filter((part) => part !== "")
    .map((part) => (part.includes("=") ? part : `${part}=`))
    .sort((a, b) => (a.split("=")[0]! < b.split("=")[0]! ? -1 : 1))
    .join("&");
  const canonical = [
    input.method,
    path,
    canonicalQuery,
    ...names.map((name) => `${name}:${valueOf(name)}`),
    "",
    names.join(";"),
    payloadHash,
  ].join("\n");
  const sha256 = createHash("sha256").update(canonical, "latin1").digest("hex");
  const signature = hmac(signingKey(secret, scope), `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${sha256}`).toString(
    "hex",
  );
  const authorization = `AWS4-HMAC-SHA256 Credential=${exampleAccessKey}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return head(input.method, input.target, [...signed, ...(input.unsigned ?? []), ["Authorization", authorization]]);
}

export interface PresignInput {
  readonly method?: string;
  readonly amzDate?: string;
  readonly expires?: string;
  readonly scope?: string;
  /** More of the query; encoded already. */
  readonly parameters?: HeaderPairs;
  readonly payloadHash?: string;
}

/** The target of a presigned URL for http://localhost:9000/bucket/key. */
export function presignedTarget(input: PresignInput): string {
  const { method = "GET", amzDate = exampleAmzDate, expires = "3600", payloadHash = "UNSIGNED-PAYLOAD" } = input;
  const { scope = "20130524/us-east-1/s3/aws4_request" } = input;
  const pairs: HeaderPairs = [
    ["X-Amz-Algorithm", "AWS4-HMAC-SHA256"],
    ["X-Amz-Credential", encodeURIComponent(`${exampleAccessKey}/${scope}`)],
    ["X-Amz-Date", amzDate],
    ["X-Amz-Expires", expires],
    ["X-Amz-SignedHeaders", "host"],
    ...(input.parameters ?? []),
  ];
  const query = pairs
    .toSorted((a, b) => (a[0] < b[0] ? -1 : 1))
    .map((pair) => pair.join("="))
    .join("&");
  const canonical = [method, "/bucket/key", query, "host:localhost:9000", "", "host", payloadHash].join("\n");
  const sha256 = createHash("sha256").update(canonical, "latin1").digest("hex");
  const signature = hmac(
    signingKey(exampleSecret, scope),
    `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${sha256}`,
  ).toString("hex");
  return `/bucket/key?${query}&X-Amz-Signature=${signature}`;
}

export function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text, "latin1").digest();
}

/** `scope`: yyyymmdd/region/s3/aws4_request */
export function signingKey(secret: string, scope: string): Buffer {
  return scope.split("/").reduce<Buffer>((key, part) => hmac(key, part), Buffer.from(`AWS4${secret}`));
}
