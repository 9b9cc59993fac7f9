import { createHash, createHmac, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createS3Client, sendRaw, type Answer } from "../harness/request.ts";
import { startServer, testCredentials, type TestServer } from "../harness/server.ts";
import { frameSigned, framedSizeBytes, sha256Hex, signHeaders, signingKey } from "../harness/sign.ts";
import { elementOf, openStack, stackNames, type TestStack } from "./stacks.ts";

const bucket = "a-bucket";
let server: TestServer;
let cpp: TestStack;

beforeAll(async () => {
  server = await startServer({ args: ["--domain", "store.test"] });
  cpp = openStack("cpp", server.endpoint);
  await cpp.send({ method: "PUT", target: `/${bucket}/` });
});
afterAll(() => server.dispose());

interface Variant {
  readonly region?: string;
  readonly separator?: string;
  readonly host?: string;
}

/** Signed by the tests' own signer. */
function send(
  method: string,
  target: string,
  headers: Record<string, string>,
  body: Buffer = Buffer.alloc(0),
  variant: Variant = {},
) {
  const { host } = new URL(server.endpoint);
  const signed = signHeaders(
    { method, target, headers: { host: variant.host ?? host, ...headers } },
    testCredentials,
    variant,
  );
  const raw = { hostname: "127.0.0.1", port: server.port, method, path: target };
  return { signed, go: (bytes = body): Promise<Answer> => sendRaw({ ...raw, headers: signed.headers }, bytes) };
}

describe("point 1: SigV4 as each of Milvus' clients signs", () => {
  test.each(["us-east-1", "eu-west-3", "cn-north-1", "default", "local"])("in region %s", async (region) => {
    const answer = await send("GET", `/${bucket}?list-type=2`, {}, undefined, { region }).go();
    expect(answer.status).toBe(200);
  });

  test.each([",", ", "])("with %j between the parts of Authorization", async (separator) => {
    expect((await send("GET", `/${bucket}/?location=`, {}, undefined, { separator }).go()).status).toBe(200);
  });

  test.each([`/${bucket}/?location=`, `/${bucket}?location=`, `/${bucket}?location`, `/${bucket}/`, `/${bucket}`])(
    "of the target %s",
    async (target) => {
      const answer = await send("GET", target, {}).go();
      expect(answer.status).toBe(200);
      if (target.includes("location")) expect(answer.body.toString()).toContain("<LocationConstraint");
      else expect(answer.body.toString()).toContain("<ListBucketResult");
    },
  );

  test("with the bucket in the host's name", async () => {
    const virtual = { host: `${bucket}.store.test:${server.port}` };
    const put = await send(
      "PUT",
      "/in-the-host",
      { "x-amz-content-sha256": createHash("sha256").update("x").digest("hex"), "content-length": "1" },
      Buffer.from("x"),
      virtual,
    ).go();
    expect(put.status).toBe(200);
    expect((await cpp.send({ method: "GET", target: `/${bucket}/in-the-host` })).text).toBe("x");
  });
});

describe("point 2: each form of a body is told by x-amz-content-sha256 alone", () => {
  const body = randomBytes(200_000);

  test.each(stackNames)("as %s sends it, of no byte, a few and a slice", async (name) => {
    const stack = openStack(name, server.endpoint);
    for (const bytes of [Buffer.alloc(0), Buffer.from("few"), body, randomBytes(16 << 20)]) {
      const target = `/${bucket}/framed/${name.replace(" ", "")}/${bytes.byteLength}`;
      const put = await stack.send({ method: "PUT", target, body: bytes });
      expect([put.status, put.text]).toEqual([200, ""]);
      const got = await cpp.send({ method: "GET", target });
      expect(got.bytes.equals(bytes)).toBe(true);
      expect(got.field("content-encoding")).toBeNull();
      expect(got.field("etag")).toBe(`"${createHash("md5").update(bytes).digest("hex")}"`);
    }
    stack.rest();
  });

  test("UNSIGNED-PAYLOAD", async () => {
    const headers = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD", "content-length": String(body.byteLength) };
    expect((await send("PUT", `/${bucket}/unsigned`, headers, body).go()).status).toBe(200);
    expect((await cpp.send({ method: "GET", target: `/${bucket}/unsigned` })).bytes.equals(body)).toBe(true);
  });

  test("signed chunks, with and without Content-Encoding, which keeps nothing of aws-chunked", async () => {
    for (const encoding of [null, "aws-chunked", "aws-chunked,gzip"]) {
      const request = send("PUT", `/${bucket}/chunks`, {
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-decoded-content-length": String(body.byteLength),
        "content-length": String(framedSizeBytes(body.byteLength)),
        ...(encoding === null ? {} : { "content-encoding": encoding }),
      });
      expect((await request.go(frameSigned(body, request.signed, testCredentials))).status).toBe(200);
      const got = await cpp.send({ method: "GET", target: `/${bucket}/chunks` });
      expect(got.bytes.equals(body)).toBe(true);
      expect(got.field("content-encoding")).toBe(encoding?.includes("gzip") === true ? "gzip" : null);
    }
  });

  test("signed chunks with a signed trailer, and no trailer that is signed otherwise", async () => {
    const put = async (alter: (signature: string) => string): Promise<Answer> => {
      const request = send("PUT", `/${bucket}/signed-trailer`, {
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": String(digits.length),
        "x-amz-trailer": "x-amz-checksum-crc32c",
        "transfer-encoding": "chunked",
      });
      const framed = frameSigned(Buffer.from(digits), request.signed, testCredentials).toString("latin1");
      const trailer = `x-amz-checksum-crc32c:${checksums.crc32c}`;
      const signature = alter(signTrailer(trailer, framed, request.signed));
      return request.go(
        Buffer.from(`${framed.slice(0, -2)}${trailer}\r\nx-amz-trailer-signature:${signature}\r\n\r\n`),
      );
    };
    const forged = await put((signature) => signature.replace(/^./, (digit) => (digit === "0" ? "1" : "0")));
    expect([forged.status, elementOf(forged.body.toString(), "Code")]).toEqual([403, "SignatureDoesNotMatch"]);
    expect((await cpp.send({ method: "HEAD", target: `/${bucket}/signed-trailer` })).status).toBe(404);
    const good = await put((signature) => signature);
    expect([good.status, good.headers["x-amz-checksum-crc32c"]]).toEqual([200, checksums.crc32c]);
  });

  test("an encoding of aws-chunked on a body that is none is not taken for framing", async () => {
    const headers = {
      "x-amz-content-sha256": createHash("sha256").update(body).digest("hex"),
      "content-encoding": "aws-chunked",
      "content-length": String(body.byteLength),
    };
    expect((await send("PUT", `/${bucket}/plain`, headers, body).go()).status).toBe(200);
    expect((await cpp.send({ method: "GET", target: `/${bucket}/plain` })).bytes.equals(body)).toBe(true);
  });
});

/** Over the signature of the last chunk. */
function signTrailer(trailer: string, framed: string, { date, scope }: { date: string; scope: string }): string {
  const last = /0;chunk-signature=([0-9a-f]{64})\r\n\r\n$/.exec(framed)?.[1];
  const [day = "", region = ""] = scope.split("/");
  const toSign = ["AWS4-HMAC-SHA256-TRAILER", date, scope, last, sha256Hex(`${trailer}\n`)].join("\n");
  return createHmac("sha256", signingKey(testCredentials.secretKey, { date: day, region }))
    .update(toSign)
    .digest("hex");
}

/** "123456789", whose checksums are in every catalogue of them. */
const digits = "123456789";
const checksums = {
  crc32: Buffer.from("cbf43926", "hex").toString("base64"),
  crc32c: Buffer.from("e3069283", "hex").toString("base64"),
  crc64nvme: Buffer.from("ae8b14860a799888", "hex").toString("base64"),
  sha1: createHash("sha1").update(digits).digest("base64"),
  sha256: createHash("sha256").update(digits).digest("base64"),
};
const names = Object.keys(checksums) as (keyof typeof checksums)[];

describe("point 3: digests are verified, and only right ones come back", () => {
  const wrong = (right: string): string => Buffer.from(right, "base64").reverse().toString("base64");

  test("Content-MD5", async () => {
    const client = createS3Client(server.endpoint, testCredentials);
    const put = (md5: string): Promise<Answer> =>
      client.send({ method: "PUT", target: `/${bucket}/md5`, headers: { "content-md5": md5 }, body: digits });
    const right = createHash("md5").update(digits).digest("base64");
    expect((await put(wrong(right))).body.toString()).toContain("<Code>BadDigest</Code>");
    expect((await put("none")).body.toString()).toContain("<Code>InvalidDigest</Code>");
    expect((await client.send({ method: "HEAD", target: `/${bucket}/md5` })).status).toBe(404);
    expect((await put(right)).status).toBe(200);
    client.close();
  });

  test.each(names)("%s, as a header", async (name) => {
    const target = `/${bucket}/header-${name}`;
    const header = `x-amz-checksum-${name}`;
    const refused = await cpp.send({
      method: "PUT",
      target,
      body: digits,
      headers: { [header]: wrong(checksums[name]) },
    });
    expect([refused.status, elementOf(refused.text, "Code")]).toEqual([400, "BadDigest"]);
    expect((await cpp.send({ method: "HEAD", target })).status).toBe(404);
    const put = await cpp.send({ method: "PUT", target, body: digits, headers: { [header]: checksums[name] } });
    expect([put.status, put.field(header)]).toEqual([200, checksums[name]]);
    const head = await cpp.send({ method: "HEAD", target, headers: { "x-amz-checksum-mode": "ENABLED" } });
    expect([head.field(header), head.field("x-amz-checksum-type")]).toEqual([checksums[name], "FULL_OBJECT"]);
    const range = { range: "bytes=0-3", "x-amz-checksum-mode": "ENABLED" };
    expect((await cpp.send({ method: "GET", target, headers: range })).field(header)).toBeNull();
  });

  test.each(names)("%s, in the trailer", async (name) => {
    const target = `/${bucket}/trailer-${name}`;
    const put = (checksum: string): Promise<Answer> =>
      send("PUT", target, {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-trailer": `x-amz-checksum-${name}`,
        "x-amz-decoded-content-length": String(digits.length),
        "content-encoding": "aws-chunked",
        "transfer-encoding": "chunked",
      }).go(Buffer.from(`9\r\n${digits}\r\n0\r\nx-amz-checksum-${name}:${checksum}\r\n\r\n`));
    expect((await put(wrong(checksums[name]))).body.toString()).toContain("<Code>BadDigest</Code>");
    expect((await cpp.send({ method: "HEAD", target })).status).toBe(404);
    expect((await put(checksums[name])).headers[`x-amz-checksum-${name}`]).toBe(checksums[name]);
  });

  test("an upload in parts has a composite CRC32C that says so, and a CRC64NVME of the whole", async () => {
    for (const [name, type] of [
      ["crc32c", "COMPOSITE"],
      ["crc64nvme", "FULL_OBJECT"],
    ] as const) {
      const target = `/${bucket}/parts-${name}`;
      const algorithm = { "x-amz-checksum-algorithm": name.toUpperCase() };
      const created = await cpp.send({ method: "POST", target: `${target}?uploads=`, headers: algorithm });
      const upload = `${target}?uploadId=${elementOf(created.text, "UploadId")}`;
      const part = await cpp.send({
        method: "PUT",
        target: `${target}?partNumber=1&uploadId=${elementOf(created.text, "UploadId")}`,
        body: digits,
        headers: { [`x-amz-checksum-${name}`]: checksums[name] },
      });
      expect(part.field(`x-amz-checksum-${name}`)).toBe(checksums[name]);
      const element = `Checksum${name.toUpperCase()}`;
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.field("etag")}</ETag><${element}>${checksums[name]}</${element}></Part></CompleteMultipartUpload>`;
      const completed = await cpp.send({ method: "POST", target: upload, body });
      expect(elementOf(completed.text, "ChecksumType")).toBe(type);
      const whole = elementOf(completed.text, element);
      if (type === "COMPOSITE") expect(whole).toMatch(/^.+-1$/);
      else expect(whole).toBe(checksums[name]);
    }
  });
});
