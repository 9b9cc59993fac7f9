import { createHash } from "node:crypto";
import type { S3Answer } from "./s3-client.ts";
import type { TestGateway } from "./start-gateway.ts";

/** A multipart upload into `b-1`, as a client drives it. */
export class Upload {
  readonly gateway: TestGateway;
  readonly uploadId: string;
  readonly key: string;

  constructor(gateway: TestGateway, uploadId: string, key: string) {
    this.gateway = gateway;
    this.uploadId = uploadId;
    this.key = key;
  }

  static async create(gateway: TestGateway, key = "k", headers: Record<string, string> = {}): Promise<Upload> {
    const answer = await gateway.client.call({ method: "POST", target: `/b-1/${key}?uploads=`, headers });
    if (answer.status !== 200 || answer.xml("Bucket") !== "b-1" || answer.xml("Key") !== key)
      throw new Error(`no upload: ${answer.text}`);
    return new Upload(gateway, answer.xml("UploadId") ?? "", key);
  }

  part(
    number: number | string,
    body: Buffer = partBody(Number(number)),
    headers: Record<string, string> = {},
  ): Promise<S3Answer> {
    return this.gateway.client.call({
      method: "PUT",
      target: `/b-1/${this.key}?partNumber=${number}&uploadId=${this.uploadId}`,
      body,
      headers,
    });
  }

  complete(
    parts: readonly { number: number; etag: string; more?: string }[],
    headers: Record<string, string> = {},
  ): Promise<S3Answer> {
    const list = parts.map(
      (part) => `<Part><PartNumber>${part.number}</PartNumber><ETag>${part.etag}</ETag>${part.more ?? ""}</Part>`,
    );
    const body = `<CompleteMultipartUpload>${list.join("")}</CompleteMultipartUpload>`;
    return this.gateway.client.call({
      method: "POST",
      target: `/b-1/${this.key}?uploadId=${this.uploadId}`,
      body,
      headers,
    });
  }

  abort(): Promise<S3Answer> {
    return this.gateway.client.call({ method: "DELETE", target: `/b-1/${this.key}?uploadId=${this.uploadId}` });
  }

  list(query = ""): Promise<S3Answer> {
    return this.gateway.client.call({ method: "GET", target: `/b-1/${this.key}?uploadId=${this.uploadId}${query}` });
  }
}

export const listed = (number: number, body: Buffer = partBody(number)): { number: number; etag: string } => ({
  number,
  etag: md5(body).toString("hex"),
});
export const etagOfParts = (bodies: readonly Buffer[]): string =>
  `"${createHash("md5")
    .update(Buffer.concat(bodies.map(md5)))
    .digest("hex")}-${bodies.length}"`;

export function partBody(number: number, sizeBytes = 2_000): Buffer {
  return Buffer.alloc(sizeBytes, number % 256);
}

export function md5(bytes: Buffer): Buffer {
  return createHash("md5").update(bytes).digest();
}
