import { createHash } from "node:crypto";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Answer } from "../harness/request.ts";
import { amzDate, emptySha256, frameSigned, sha256Hex, signHeaders, type Credentials } from "../harness/sign.ts";
import type { RecordedRequest } from "./trace.ts";

/**
 * Plays recorded requests again, in their order, with their header names, signed header lists, separators and framing.
 * What a client takes from earlier answers (upload ids, ETags, part checksums) is taken from ours; dates are of today.
 * Bodies are zeros: the recorded ETags are those of zeros.
 */
export interface Replay {
  play(recorded: RecordedRequest): Promise<Answer>;
}

export function createReplay(endpoint: URL, credentials: Credentials): Replay {
  const uploadIds = new Map<string, string>();
  const etags = new Map<string, string>();
  const partEtags = new Map<string, { number: string; etag: string; crc32c: string | undefined }[]>();

  function bodyOf(recorded: RecordedRequest, key: string): Buffer {
    if (recorded.completeBody !== null) {
      const parts = (partEtags.get(key) ?? []).toSorted((a, b) => Number(a.number) - Number(b.number));
      const rows = parts.map(({ number, etag, crc32c }) => {
        const checksum = crc32c === undefined ? "" : `<ChecksumCRC32C>${crc32c}</ChecksumCRC32C>`;
        return `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag>${checksum}</Part>`;
      });
      return Buffer.from(
        `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${rows.join("")}</CompleteMultipartUpload>`,
      );
    }
    if (recorded.target.includes("?delete="))
      return Buffer.from("<Delete><Object><Key>files/c</Key></Object><Object><Key>files/cp</Key></Object></Delete>");
    return Buffer.alloc(recorded.payloadSizeBytes);
  }

  async function play(recorded: RecordedRequest): Promise<Answer> {
    const key = recorded.target.split("?")[0] as string;
    const target = recorded.target.replace("uploadId=u1", `uploadId=${uploadIds.get(key) ?? "u1"}`);
    const payload = bodyOf(recorded, key);
    const headers: Record<string, string> = {};
    for (const [name, value] of recorded.headers) headers[name.toLowerCase()] = value;
    const authorization = headers.authorization as string;
    delete headers.authorization;
    headers.host = endpoint.host;
    headers["x-amz-date"] = amzDate();
    if (headers["content-md5"] !== undefined)
      headers["content-md5"] = createHash("md5").update(payload).digest("base64");
    if (headers["if-match"] !== undefined) headers["if-match"] = etags.get(key) as string;
    const isFramed = headers["x-amz-content-sha256"] === "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    if (
      /^[0-9a-f]{64}$/.test(headers["x-amz-content-sha256"] ?? "") &&
      headers["x-amz-content-sha256"] !== emptySha256
    ) {
      headers["x-amz-content-sha256"] = sha256Hex(payload);
    }
    const signedNames = (/SignedHeaders=([^,]+)/.exec(authorization)?.[1] ?? "").split(";");
    const region = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(authorization)?.[1] as string;
    const separator = authorization.includes("aws4_request,S") ? "," : ", ";
    const signed = signHeaders({ method: recorded.method, target, headers }, credentials, {
      region,
      signed: signedNames,
      separator,
    });
    const body = isFramed ? frameSigned(payload, signed, credentials) : payload;
    if (signed.headers["content-length"] !== undefined) signed.headers["content-length"] = String(body.byteLength);
    const answer = await send(endpoint, { method: recorded.method, path: target, headers: signed.headers }, body);
    remember(recorded, key, answer);
    return answer;
  }

  function remember(recorded: RecordedRequest, key: string, answer: Answer): void {
    const uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(answer.body.toString())?.[1];
    if (uploadId !== undefined && recorded.target.includes("uploads")) {
      uploadIds.set(key, uploadId);
      partEtags.set(key, []);
    }
    const number = /partNumber=(\d+)/.exec(recorded.target)?.[1];
    const copyEtag = /<ETag>(?:&quot;|&#34;|")?([0-9a-f-]+)/.exec(answer.body.toString())?.[1];
    if (number !== undefined && answer.status === 200) {
      const etag = (answer.headers.etag ?? copyEtag ?? "").replaceAll('"', "");
      partEtags.get(key)?.push({ number, etag, crc32c: answer.headers["x-amz-checksum-crc32c"] as string | undefined });
    } else if (recorded.completeBody !== null && copyEtag !== undefined) etags.set(key, `"${copyEtag}"`);
  }

  return { play };
}

function send(
  endpoint: URL,
  head: { method: string; path: string; headers: Record<string, string> },
  body: Buffer,
): Promise<Answer> {
  const request = endpoint.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname: endpoint.hostname, port: endpoint.port, ...head, setHost: false, rejectUnauthorized: false },
      (response) => {
        const slices: Buffer[] = [];
        response.on("data", (slice: Buffer) => slices.push(slice));
        response.on("error", reject);
        response.on("end", () =>
          resolve({ status: response.statusCode as number, headers: response.headers, body: Buffer.concat(slices) }),
        );
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}
