import { VoidRun, type Calls } from "../calls.ts";
import { payloadOf, type Content } from "../content.ts";
import { inLanes } from "../lanes.ts";
import { fieldOf, type Stack } from "./stack.ts";

/** Calls as Milvus' MinioChunkManager makes them through the AWS SDK for C++: whole objects of at most a slice. */
export class AwsCppClient {
  protected readonly calls: Calls;
  protected readonly stack: Stack;
  readonly #bucket: string;

  constructor(calls: Calls, stack: Stack, bucket: string) {
    this.calls = calls;
    this.stack = stack;
    this.#bucket = bucket;
  }

  async put(key: string, content: Content): Promise<void> {
    await this.calls.send(this.stack, { kind: "put", method: "PUT", target: this.at(key), payload: content.unit(0) });
  }

  async headAndGet(key: string, content: Content): Promise<void> {
    await this.head(key, content);
    await this.calls.send(this.stack, { kind: "get", method: "GET", target: this.at(key), content });
  }

  async head(key: string, content: Content): Promise<void> {
    const reply = await this.calls.send(this.stack, { kind: "head", method: "HEAD", target: this.at(key) });
    const sizeBytes = Number(fieldOf(reply, "content-length"));
    if (sizeBytes !== content.sizeBytes) throw new VoidRun(`HEAD ${key}: ${sizeBytes} bytes, not ${content.sizeBytes}`);
  }

  async getRange(key: string, content: Content, range: { offsetBytes: number; sizeBytes: number }): Promise<void> {
    const { offsetBytes, sizeBytes } = range;
    await this.calls.send(this.stack, {
      kind: "range",
      method: "GET",
      target: this.at(key),
      headers: { range: `bytes=${offsetBytes}-${offsetBytes + sizeBytes - 1}` },
      content: content.range(offsetBytes, sizeBytes),
      statuses: [206],
    });
  }

  protected at(key: string): string {
    return `/${this.#bucket}/${key}`;
  }
}

/** What a file of milvus-storage is written in. */
export const arrowPartSizeBytes = 10 << 20;
const partsAtOnce = 4;
const footerSizeBytes = 64 << 10;

/** Calls as milvus-storage makes them: Arrow's S3 filesystem over the same SDK, every file an upload in parts of 10 MiB. */
export class ArrowClient extends AwsCppClient {
  /** Then asks for its size, as Milvus does. */
  async write(key: string, content: Content): Promise<void> {
    const created = await this.calls.send(this.stack, {
      kind: "create",
      method: "POST",
      target: `${this.at(key)}?uploads=`,
    });
    const uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(created.body?.toString() ?? "")?.[1];
    if (uploadId === undefined) throw new VoidRun(`no upload id for ${key}`);
    const etags: string[] = [];
    const units = Array.from({ length: content.unitCount }, (_, index) => index);
    await inLanes(partsAtOnce, units, async (index) => {
      const target = `${this.at(key)}?partNumber=${index + 1}&uploadId=${uploadId}`;
      const reply = await this.calls.send(this.stack, {
        kind: "part",
        method: "PUT",
        target,
        payload: content.unit(index),
      });
      etags[index] = fieldOf(reply, "etag") ?? "";
    });
    await this.#complete(key, uploadId, etags);
    await this.head(key, content);
  }

  /** The footer, as a reader of Parquet begins. */
  async readFooter(key: string, content: Content): Promise<void> {
    const sizeBytes = Math.min(footerSizeBytes, content.sizeBytes);
    await this.getRange(key, content, { offsetBytes: content.sizeBytes - sizeBytes, sizeBytes });
  }

  /** All of it in ranges of at most so much. */
  async readRanges(key: string, content: Content, plan: { rangeSizeBytes: number; width: number }): Promise<void> {
    const { rangeSizeBytes, width } = plan;
    const offsets = Array.from({ length: Math.ceil(content.sizeBytes / rangeSizeBytes) }, (_, i) => i * rangeSizeBytes);
    await inLanes(width, offsets, (offsetBytes) =>
      this.getRange(key, content, {
        offsetBytes,
        sizeBytes: Math.min(rangeSizeBytes, content.sizeBytes - offsetBytes),
      }),
    );
  }

  async #complete(key: string, uploadId: string, etags: readonly string[]): Promise<void> {
    const parts = etags.map((etag, index) => `<Part><ETag>${etag}</ETag><PartNumber>${index + 1}</PartNumber></Part>`);
    const xml = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join("")}</CompleteMultipartUpload>`;
    const target = `${this.at(key)}?uploadId=${uploadId}`;
    const payload = payloadOf(xml);
    const reply = await this.calls.send(this.stack, { kind: "complete", method: "POST", target, payload });
    if (!(reply.body?.toString() ?? "").includes("<CompleteMultipartUploadResult"))
      throw new VoidRun(`complete ${key}: ${reply.body?.toString() ?? ""}`);
  }
}
