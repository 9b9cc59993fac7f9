import { createHash } from "node:crypto";
import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";

/** What a key may hold: the digest of a body, or nothing. */
type Content = string | null;

const nothing: Content = null;

/**
 * A key that one client writes and reads, one request after the other: what it may hold by what was answered. A request that got no
 * answer may take effect at any time later, once, or never.
 */
class OwnKey {
  #is: Content = nothing;
  /** Of requests that got no answer and were not seen to have taken effect. */
  readonly #open: Content[] = [];

  acknowledged(content: Content): void {
    this.#is = content;
  }

  unanswered(content: Content): void {
    this.#open.push(content);
  }

  /** null: right; else what is wrong. What is seen is what it holds from then on. */
  judge(seen: Content): string | null {
    if (seen === this.#is) return null;
    const index = this.#open.indexOf(seen);
    if (index === -1)
      return `holds ${seen ?? "nothing"}, and not ${[this.#is, ...this.#open].map(String).join(" or ")}`;
    this.#open.splice(index, 1);
    this.#is = seen;
    return null;
  }
}

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex").slice(0, 16);

/** The S3 requests of one key, each through the client that is given, each noted. */
export class KeyUser {
  readonly key: string;
  readonly #bucket: string;
  readonly #own = new OwnKey();
  /** Why the last request that got no answer got none. */
  failure: Error | null = null;

  constructor(bucket: string, key: string) {
    this.#bucket = bucket;
    this.key = key;
  }

  put(client: S3Client, body: Buffer): Promise<boolean> {
    return this.#change(digest(body), () =>
      client.send(new PutObjectCommand({ Bucket: this.#bucket, Key: this.key, Body: body })),
    );
  }

  remove(client: S3Client): Promise<boolean> {
    return this.#change(nothing, () => client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: this.key })));
  }

  /** Whether there was an answer. Throws when it was wrong. */
  async check(client: S3Client): Promise<boolean> {
    let seen: Content;
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: this.key }));
      seen = digest(Buffer.from((await Body?.transformToByteArray()) ?? []));
    } catch (failure) {
      if (!(failure instanceof NoSuchKey)) {
        this.failure = failure as Error;
        return false;
      }
      seen = nothing;
    }
    const wrong = this.#own.judge(seen);
    if (wrong !== null) throw new Error(`${this.key} ${wrong}`);
    return true;
  }

  async #change(content: Content, send: () => Promise<unknown>): Promise<boolean> {
    try {
      await send();
      this.#own.acknowledged(content);
      return true;
    } catch (failure) {
      this.failure = failure as Error;
      this.#own.unanswered(content);
      return false;
    }
  }
}
