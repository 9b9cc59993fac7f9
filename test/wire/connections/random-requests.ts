import { createHash } from "node:crypto";
import type { Random } from "@kakera/kernel";
import { emptySha256, sha256Hex } from "../../harness/sign.ts";
import type { RawAnswer } from "../../../packages/gateway/test/fakes/raw-client.ts";

/** A request, and what is wrong with an answer to it; null: nothing. */
export interface ExpectedRequest {
  readonly label: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  fault(answer: RawAnswer): string | null;
}

/** What one client has stored; nobody else writes its keys. */
export type Stored = Map<string, Buffer>;

const none = Buffer.alloc(0);
/** Inline, in whole copies, in a stripe, in several; from what fits a packet to what no socket buffer takes. */
const sizesBytes = [0, 1, 777, 4_096, 12_000, 20_000, 70_000, 300_000, 1_500_000, 6_000_000];
const keysMax = 12;

/** Requests for keys of one client, at random, each with the answer that it must get after those before it. */
export class RandomRequests {
  readonly #random: Random;
  readonly #bucket: string;
  readonly #prefix: string;
  /** Bodies are parts of it. */
  readonly #bytes: Buffer;

  constructor(parts: { random: Random; bucket: string; prefix: string; bytes: Buffer }) {
    this.#random = parts.random;
    this.#bucket = parts.bucket;
    this.#prefix = parts.prefix;
    this.#bytes = parts.bytes;
  }

  below(bound: number): number {
    return Math.floor(this.#random.fraction() * bound);
  }

  chance(share: number): boolean {
    return this.#random.fraction() < share;
  }

  /** `stored` becomes what it is after the request. */
  next(stored: Stored): ExpectedRequest {
    const key = `${this.#prefix}k${this.below(keysMax)}`;
    const kind = this.#random.fraction();
    if (kind < 0.27) return this.#put(key, stored);
    if (kind < 0.3) return this.#damagedPut(key);
    if (kind < 0.38) return this.#remove(key, stored);
    if (kind < 0.46) return this.#head(key, stored);
    if (kind < 0.52) return this.#list(stored);
    return kind < 0.75 ? this.#range(key, stored) : this.get(key, stored);
  }

  get(key: string, stored: Stored): ExpectedRequest {
    const body = stored.get(key);
    return this.#read("GET", key, `get ${body?.byteLength ?? "nothing"}`, (answer) => {
      if (body === undefined) return otherThan(answer, 404);
      return otherThan(answer, 200) ?? differs(answer.body, body);
    });
  }

  #put(key: string, stored: Stored): ExpectedRequest {
    const body = this.#body();
    const etag = `"${createHash("md5").update(body).digest("hex")}"`;
    stored.set(key, body);
    return {
      ...this.#upload(key, body),
      label: `put ${body.byteLength}`,
      fault: (answer) => otherThan(answer, 200) ?? (answer.headers.get("etag") === etag ? null : "another ETag"),
    };
  }

  /** Is read to its end before it is refused. */
  #damagedPut(key: string): ExpectedRequest {
    const upload = this.#upload(key, this.#body());
    const headers = { ...upload.headers, "content-md5": createHash("md5").update("another").digest("base64") };
    return {
      ...upload,
      headers,
      label: `damaged put ${upload.body.byteLength}`,
      fault: (answer) => otherThan(answer, 400),
    };
  }

  #remove(key: string, stored: Stored): ExpectedRequest {
    stored.delete(key);
    return this.#read("DELETE", key, "delete", (answer) => otherThan(answer, 204));
  }

  #head(key: string, stored: Stored): ExpectedRequest {
    const sizeBytes = stored.get(key)?.byteLength;
    return this.#read("HEAD", key, "head", (answer) => {
      if (sizeBytes === undefined) return otherThan(answer, 404);
      const isRight = answer.headers.get("content-length") === String(sizeBytes);
      return otherThan(answer, 200) ?? (isRight ? null : "another Content-Length");
    });
  }

  #range(key: string, stored: Stored): ExpectedRequest {
    const body = stored.get(key);
    if (body === undefined || body.byteLength === 0) return this.get(key, stored);
    const first = this.below(body.byteLength);
    const last = Math.min(body.byteLength - 1, first + this.below(this.chance(0.5) ? 100 : body.byteLength));
    const read = this.#read("GET", key, `range of ${last - first + 1}`, (answer) => {
      return otherThan(answer, 206) ?? differs(answer.body, body.subarray(first, last + 1));
    });
    return { ...read, headers: { ...read.headers, range: `bytes=${first}-${last}` } };
  }

  #list(stored: Stored): ExpectedRequest {
    const keys = [...stored.keys()].sort().join(" ");
    const target = `/${this.#bucket}?list-type=2&prefix=${encodeURIComponent(this.#prefix)}`;
    const fault = (answer: RawAnswer): string | null => {
      const listed = [...answer.body.toString().matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key]) => key).join(" ");
      return otherThan(answer, 200) ?? (listed === keys ? null : `listed ${listed} instead of ${keys}`);
    };
    return { label: "list", method: "GET", target, headers: noBody, body: none, fault };
  }

  #read(method: string, key: string, label: string, fault: ExpectedRequest["fault"]): ExpectedRequest {
    return { label, method, target: `/${this.#bucket}/${key}`, headers: noBody, body: none, fault };
  }

  #upload(key: string, body: Buffer): Pick<ExpectedRequest, "method" | "target" | "headers" | "body"> {
    const digest = this.chance(0.5) ? "UNSIGNED-PAYLOAD" : sha256Hex(body);
    const headers = { "content-length": String(body.byteLength), "x-amz-content-sha256": digest };
    return { method: "PUT", target: `/${this.#bucket}/${key}`, headers, body };
  }

  #body(): Buffer {
    const sizeBytes = (sizesBytes[this.below(sizesBytes.length)] as number) + this.below(50);
    const at = this.below(this.#bytes.byteLength - sizeBytes);
    return this.#bytes.subarray(at, at + sizeBytes);
  }
}

const noBody = { "x-amz-content-sha256": emptySha256 };

function otherThan(answer: RawAnswer, status: number): string | null {
  return answer.status === status ? null : `not ${status}`;
}

function differs(body: Buffer, expected: Buffer): string | null {
  return body.equals(expected) ? null : `a body of ${body.byteLength} bytes that is not what was stored`;
}
