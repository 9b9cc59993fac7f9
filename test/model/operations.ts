import fc from "fast-check";
import { expect } from "vitest";
import { createSeededRandom } from "@kakera/kernel";
import type { S3Client } from "../harness/request.ts";
import { listed, md5Hex, multipartEtag, type Model } from "./reference.ts";

export interface Real {
  readonly client: S3Client;
  readonly bucket: string;
}
type Operation = fc.AsyncCommand<Model, Real>;

const encode = (key: string): string => encodeURIComponent(key).replaceAll("%2F", "/");
const keys = fc.constantFrom("a", "a/", "a/b", "a//b", "a/b/c", "b", "ü/ä", "z z+z", "a/b.", "x/../up", "😀", "ｚ");
/** A body repeatable from its seed: sizes sit on both sides of every border (inline, replicated, coded, big shards). */
const bodies = fc
  .record({
    size: fc.oneof(
      {
        weight: 5,
        arbitrary: fc.constantFrom(
          0,
          1,
          1023,
          1024,
          1025,
          2047,
          2048,
          2049,
          32_767,
          32_768,
          32_769,
          65_536,
          262_145,
          600_001,
        ),
      },
      { weight: 1, arbitrary: fc.constantFrom(2_097_151, 2_097_152, 5_000_011) },
    ),
    seed: fc.nat(1_000_000),
  })
  .map(({ size, seed }) => {
    const random = createSeededRandom(seed);
    const pattern = Buffer.from(random.bytes(Math.min(size, 4096)));
    const body = Buffer.alloc(size, pattern.byteLength === 0 ? undefined : pattern);
    for (let at = 0; at + 4 <= size; at += 4096) body.writeUInt32LE(at >>> 0, at);
    return body;
  });
const small = fc.constantFrom("red", "green", "blue", "");

class Put implements Operation {
  readonly key: string;
  readonly body: Buffer;
  readonly colour: string;
  readonly condition: "none" | "absent" | "match" | "differs";
  constructor(key: string, body: Buffer, options: { colour: string; condition: Put["condition"] }) {
    this.key = key;
    this.body = body;
    this.colour = options.colour;
    this.condition = options.condition;
  }
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    const existing = model.objects.get(this.key);
    const headers: Record<string, string> = { "x-amz-meta-colour": this.colour };
    if (this.condition === "absent") headers["if-none-match"] = "*";
    if (this.condition === "match" && existing !== undefined) headers["if-match"] = `"${existing.etag}"`;
    if (this.condition === "differs") headers["if-match"] = '"00000000000000000000000000000000"';
    const answer = await real.client.send({
      method: "PUT",
      target: `/${real.bucket}/${encode(this.key)}`,
      headers,
      body: this.body,
    });
    if (this.condition === "absent" && existing !== undefined) expect(answer.status).toBe(412);
    else if (this.condition === "differs") expect(answer.status).toBe(existing === undefined ? 404 : 412);
    else {
      expect(answer.status).toBe(200);
      expect(answer.headers.etag).toBe(`"${md5Hex(this.body)}"`);
      model.objects.set(this.key, {
        body: this.body,
        etag: md5Hex(this.body),
        metadata: { colour: this.colour },
        tags: {},
      });
    }
  }
  toString = (): string => `put(${this.key}, ${this.body.byteLength} bytes, ${this.condition})`;
}

class Get implements Operation {
  readonly key: string;
  readonly from: number;
  readonly length: number;
  constructor(key: string, from: number, length: number) {
    this.key = key;
    this.from = from;
    this.length = length;
  }
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    const existing = model.objects.get(this.key);
    const target = `/${real.bucket}/${encode(this.key)}`;
    const whole = await real.client.send({ method: "GET", target });
    const head = await real.client.send({ method: "HEAD", target });
    expect(head.status).toBe(whole.status);
    if (existing === undefined) {
      expect(whole.status).toBe(404);
      return;
    }
    expect(whole.status).toBe(200);
    expect(whole.body.equals(existing.body)).toBe(true);
    expect(head.headers["content-length"]).toBe(String(existing.body.byteLength));
    expect(whole.headers.etag).toBe(`"${existing.etag}"`);
    expect(whole.headers["x-amz-meta-colour"] ?? "").toBe(existing.metadata.colour ?? "");
    const size = existing.body.byteLength;
    const from = this.from % (size + 2);
    const ranged = await real.client.send({
      method: "GET",
      target,
      headers: { range: `bytes=${from}-${from + this.length}` },
    });
    if (from >= size) expect(ranged.status).toBe(416);
    else {
      expect(ranged.status).toBe(206);
      expect(ranged.body.equals(existing.body.subarray(from, from + this.length + 1))).toBe(true);
    }
  }
  toString = (): string => `get(${this.key}, ${this.from}, ${this.length})`;
}

class Delete implements Operation {
  readonly keys: readonly string[];
  constructor(deleted: readonly string[]) {
    this.keys = deleted;
  }
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    if (this.keys.length === 1) {
      const answer = await real.client.send({
        method: "DELETE",
        target: `/${real.bucket}/${encode(this.keys[0] as string)}`,
      });
      expect(answer.status).toBe(204);
    } else {
      const body = `<Delete>${this.keys.map((key) => `<Object><Key>${key}</Key></Object>`).join("")}</Delete>`;
      const answer = await real.client.send({ method: "POST", target: `/${real.bucket}?delete`, body });
      expect(answer.status).toBe(200);
      expect(answer.body.toString()).not.toContain("<Error>");
    }
    for (const key of this.keys) model.objects.delete(key);
  }
  toString = (): string => `delete(${this.keys.join(", ")})`;
}

class Copy implements Operation {
  readonly from: string;
  readonly to: string;
  constructor(from: string, to: string) {
    this.from = from;
    this.to = to;
  }
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    const source = model.objects.get(this.from);
    const headers = { "x-amz-copy-source": `/${real.bucket}/${encode(this.from)}` };
    const answer = await real.client.send({ method: "PUT", target: `/${real.bucket}/${encode(this.to)}`, headers });
    if (this.from === this.to) {
      expect(answer.status).toBe(source === undefined ? 404 : 400);
      return;
    }
    if (source === undefined) {
      expect(answer.status).toBe(404);
      return;
    }
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toContain("CopyObjectResult");
    model.objects.set(this.to, { ...source, etag: md5Hex(source.body) });
  }
  toString = (): string => `copy(${this.from}, ${this.to})`;
}

class List implements Operation {
  readonly prefix: string;
  readonly delimiter: string;
  readonly maxKeys: number;
  constructor(prefix: string, delimiter: string, maxKeys: number) {
    this.prefix = prefix;
    this.delimiter = delimiter;
    this.maxKeys = maxKeys;
  }
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    const rows: string[] = [];
    let token = "";
    for (let page = 0; page < 100; page++) {
      const query = [
        "list-type=2",
        `prefix=${encodeURIComponent(this.prefix)}`,
        `delimiter=${encodeURIComponent(this.delimiter)}`,
        `max-keys=${this.maxKeys}`,
        "encoding-type=url",
        ...(token === "" ? [] : [`continuation-token=${encodeURIComponent(token)}`]),
      ].sort();
      const answer = await real.client.send({ method: "GET", target: `/${real.bucket}?${query.join("&")}` });
      expect(answer.status).toBe(200);
      const xml = answer.body.toString();
      const keysOfPage = [...xml.matchAll(/<Contents><Key>([^<]*)<\/Key>/g)].map((match) =>
        decodeURIComponent(match[1] as string),
      );
      const prefixes = [...xml.matchAll(/<CommonPrefixes><Prefix>([^<]*)<\/Prefix>/g)].map((match) =>
        decodeURIComponent(match[1] as string),
      );
      rows.push(...[...keysOfPage, ...prefixes].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
      token = /<NextContinuationToken>([^<]*)</.exec(xml)?.[1] ?? "";
      expect(token !== "").toBe(xml.includes("<IsTruncated>true</IsTruncated>"));
      if (token === "") break;
    }
    expect(rows).toEqual(listed(model, this.prefix, this.delimiter));
  }
  toString = (): string => `list(${JSON.stringify(this.prefix)}, ${JSON.stringify(this.delimiter)}, ${this.maxKeys})`;
}

class Multipart implements Operation {
  readonly key: string;
  readonly parts: readonly Buffer[];
  readonly end: "complete" | "abort" | "complete-twice";
  constructor(key: string, parts: readonly Buffer[], end: Multipart["end"]) {
    this.key = key;
    this.parts = parts;
    this.end = end;
  }
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    const target = `/${real.bucket}/${encode(this.key)}`;
    const created = await real.client.send({
      method: "POST",
      target: `${target}?uploads`,
      headers: { "x-amz-meta-colour": "multi" },
    });
    const uploadId = /<UploadId>([^<]+)</.exec(created.body.toString())?.[1] as string;
    const etags: string[] = [];
    for (const [index, part] of [...this.parts.entries()].toReversed()) {
      const answer = await real.client.send({
        method: "PUT",
        target: `${target}?partNumber=${index * 3 + 1}&uploadId=${uploadId}`,
        body: part,
      });
      expect(answer.status).toBe(200);
      etags[index] = (answer.headers.etag as string).replaceAll('"', "");
    }
    if (this.end === "abort") {
      expect((await real.client.send({ method: "DELETE", target: `${target}?uploadId=${uploadId}` })).status).toBe(204);
      return;
    }
    const body = `<CompleteMultipartUpload>${etags.map((etag, index) => `<Part><PartNumber>${index * 3 + 1}</PartNumber><ETag>"${etag}"</ETag></Part>`).join("")}</CompleteMultipartUpload>`;
    for (let round = 0; round < (this.end === "complete-twice" ? 2 : 1); round++) {
      const answer = await real.client.send({ method: "POST", target: `${target}?uploadId=${uploadId}`, body });
      expect(answer.body.toString()).toContain("<CompleteMultipartUploadResult");
      expect(answer.body.toString()).toContain(multipartEtag(etags));
    }
    model.objects.set(this.key, {
      body: Buffer.concat(this.parts),
      etag: multipartEtag(etags),
      metadata: { colour: "multi" },
      tags: {},
    });
  }
  toString = (): string =>
    `multipart(${this.key}, ${this.parts.map((part) => part.byteLength).join("+")}, ${this.end})`;
}

class Tag implements Operation {
  readonly key: string;
  readonly value: string;
  constructor(key: string, value: string) {
    this.key = key;
    this.value = value;
  }
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    const existing = model.objects.get(this.key);
    const target = `/${real.bucket}/${encode(this.key)}?tagging`;
    const put = await real.client.send({
      method: "PUT",
      target,
      body: `<Tagging><TagSet><Tag><Key>colour</Key><Value>${this.value}</Value></Tag></TagSet></Tagging>`,
    });
    expect(put.status).toBe(existing === undefined ? 404 : 200);
    const got = await real.client.send({ method: "GET", target });
    if (existing === undefined) expect(got.status).toBe(404);
    else
      expect(got.body.toString()).toMatch(
        new RegExp(`<Key>colour</Key><Value>${this.value}</Value>|<Key>colour</Key><Value/>`),
      );
  }
  toString = (): string => `tag(${this.key}, ${this.value})`;
}

/** Every operation, with arbitrary arguments. */
export const operations = [
  fc
    .tuple(keys, bodies, small, fc.constantFrom("none", "none", "none", "absent", "match", "differs"))
    .map(([key, body, colour, condition]) => new Put(key, body, { colour, condition: condition as Put["condition"] })),
  fc.tuple(keys, fc.nat(5_100_000), fc.nat(700_000)).map(([key, from, length]) => new Get(key, from, length)),
  fc.uniqueArray(keys, { minLength: 1, maxLength: 4 }).map((deleted) => new Delete(deleted)),
  fc.tuple(keys, keys).map(([from, to]) => new Copy(from, to)),
  fc
    .tuple(
      fc.constantFrom("", "a", "a/", "ü", "zz"),
      fc.constantFrom("", "/", "b", "//"),
      fc.integer({ min: 1, max: 5 }),
    )
    .map(([prefix, delimiter, maxKeys]) => new List(prefix, delimiter, maxKeys)),
  fc
    .tuple(
      keys,
      fc.array(bodies, { minLength: 1, maxLength: 3 }),
      fc.constantFrom("complete", "abort", "complete-twice"),
    )
    .map(([key, parts, end]) => new Multipart(key, parts, end as Multipart["end"])),
  fc.tuple(keys, small).map(([key, value]) => new Tag(key, value)),
];
