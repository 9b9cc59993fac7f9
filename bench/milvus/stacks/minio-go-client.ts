import type { Calls } from "../calls.ts";
import { payloadOf, type Content, type Payload } from "../content.ts";
import { fieldOf, type Stack } from "./stack.ts";

const octets = { "content-type": "application/octet-stream" };

/** Calls as Milvus' Go chunk manager and woodpecker make them through minio-go. Objects below 16 MiB, which all of theirs are. */
export class MinioGoClient {
  readonly #calls: Calls;
  readonly #stack: Stack;
  readonly #bucket: string;

  constructor(calls: Calls, stack: Stack, bucket: string) {
    this.#calls = calls;
    this.#stack = stack;
    this.#bucket = bucket;
  }

  /** As Milvus does at its start: makes the bucket where it is missing. */
  async ensureBucket(): Promise<void> {
    const target = `/${this.#bucket}/`;
    const exists = await this.#send({
      kind: "head",
      method: "GET",
      target: `${target}?location=`,
      statuses: [200, 404],
    });
    if (exists.status === 404) await this.#send({ kind: "put", method: "PUT", target });
  }

  async removeBucket(): Promise<void> {
    await this.#send({ kind: "delete", method: "DELETE", target: `/${this.#bucket}/` });
  }

  async put(key: string, content: Content): Promise<void> {
    await this.#send({ kind: "put", method: "PUT", target: this.#at(key), headers: octets, payload: content.unit(0) });
  }

  /** Whether this was the one that made it: `If-None-Match: *`, and a 412 is an answer. */
  async putNew(key: string, content: Content): Promise<boolean> {
    return this.#putNew(key, content.unit(0), {});
  }

  /** As woodpecker fences a segment: one byte in the place of a block. */
  async fence(key: string): Promise<boolean> {
    return this.#putNew(key, payloadOf("F"), { "x-amz-meta-fenced": "true" });
  }

  async isFenced(key: string): Promise<boolean> {
    const reply = await this.#send({ kind: "head", method: "HEAD", target: this.#at(key) });
    return fieldOf(reply, "x-amz-meta-fenced") === "true";
  }

  async get(key: string, content: Content): Promise<void> {
    await this.#send({ kind: "get", method: "GET", target: this.#at(key), content });
  }

  /** HEAD, then the whole as a range. */
  async headAndGet(key: string, content: Content): Promise<void> {
    await this.#send({ kind: "head", method: "HEAD", target: this.#at(key) });
    const headers = { range: `bytes=0-${content.sizeBytes - 1}` };
    await this.#send({ kind: "range", method: "GET", target: this.#at(key), headers, content });
  }

  async delete(key: string): Promise<void> {
    await this.#send({ kind: "delete", method: "DELETE", target: this.#at(key) });
  }

  /** Keys below a prefix, or the next level alone, over all pages. */
  async list(prefix: string, depth: "all" | "one level"): Promise<string[]> {
    const keys: string[] = [];
    const delimiter = depth === "all" ? "" : "%2F";
    for (let token: string | null = ""; token !== null;) {
      const page: string = token === "" ? "" : `continuation-token=${encodeURIComponent(token)}&`;
      const query = `${page}delimiter=${delimiter}&encoding-type=url&fetch-owner=true&list-type=2&prefix=${encodeURIComponent(prefix)}`;
      const reply = await this.#send({ kind: "list", method: "GET", target: `/${this.#bucket}/?${query}` });
      const xml = reply.body?.toString() ?? "";
      keys.push(...[...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => decodeURIComponent(key as string)));
      token = /<NextContinuationToken>([^<]+)</.exec(xml)?.[1] ?? null;
    }
    return keys;
  }

  async #putNew(key: string, payload: Payload, metadata: Record<string, string>): Promise<boolean> {
    const headers = { ...octets, "if-none-match": "*", ...metadata };
    const target = this.#at(key);
    const reply = await this.#send({ kind: "put", method: "PUT", target, headers, payload, statuses: [200, 412] });
    return reply.status === 200;
  }

  #send(call: Parameters<Calls["send"]>[1]): ReturnType<Calls["send"]> {
    return this.#calls.send(this.#stack, call);
  }

  #at(key: string): string {
    return `/${this.#bucket}/${key}`;
  }
}
