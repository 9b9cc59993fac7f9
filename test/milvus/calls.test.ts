import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../harness/server.ts";
import { elementOf, keysIn, openStack, stackNames, type StackAnswer, type TestStack } from "./stacks.ts";

const bucket = "a-bucket";
const at = (key: string): string => `/${bucket}/${key}`;
const arrowPartBytes = 10 << 20;
let server: TestServer;
let go: TestStack;
let cpp: TestStack;

beforeAll(async () => {
  server = await startServer();
  [go, cpp] = [openStack("go", server.endpoint), openStack("cpp", server.endpoint)];
  await go.send({ method: "PUT", target: `/${bucket}/` });
});
afterAll(() => server.dispose());

describe("point 4: the calls of Milvus, its tools and its storage library", () => {
  test("a start: the bucket is looked for, made, and there; made again it is the owner's still", async () => {
    const missing = await go.send({ method: "GET", target: "/new-bucket/?location=" });
    expect([missing.status, elementOf(missing.text, "Code")]).toEqual([404, "NoSuchBucket"]);
    expect((await go.send({ method: "PUT", target: "/new-bucket/" })).status).toBe(200);
    expect((await go.send({ method: "HEAD", target: "/new-bucket/" })).status).toBe(200);
    const again = await go.send({ method: "PUT", target: "/new-bucket/" });
    // Of us-east-1 AWS says 200; the C++ client takes that, and a 409 of this code.
    expect([200, 409]).toContain(again.status);
    if (again.status === 409) expect(elementOf(again.text, "Code")).toBe("BucketAlreadyOwnedByYou");
    expect((await go.send({ method: "GET", target: "/" })).text).toContain("<Name>new-bucket</Name>");
  });

  test("PreCheck: a V1 listing of a prefix with nothing in it", async () => {
    const answer = await cpp.send({ method: "GET", target: `/${bucket}?prefix=files%2Fjustforconnectioncheck` });
    expect([answer.status, keysIn(answer.text)]).toEqual([200, []]);
    expect(elementOf(answer.text, "IsTruncated")).toBe("false");
  });

  test("listings of both versions, page by page, whole and one level at a time, in Milvus' own layout", async () => {
    const segment = "files/insert_log/450000000000000001/450000000000000002/450000000000000003";
    const keys = ["0", "101", "102"].flatMap((group) =>
      [4, 5].map((id) => `${segment}/${group}/45000000000000000${id}`),
    );
    for (const key of keys) await go.send({ method: "PUT", target: at(key), body: key });
    const query = (rest: string): string => `/${bucket}/?${rest}`;
    const prefix = `prefix=${encodeURIComponent(`${segment}/`)}`;
    const v2: string[] = [];
    for (let token: string | null = ""; token !== null;) {
      const page: string = token === "" ? "" : `continuation-token=${encodeURIComponent(token)}&`;
      const target = query(`${page}delimiter=&encoding-type=url&fetch-owner=true&list-type=2&max-keys=4&${prefix}`);
      const { text } = await go.send({ method: "GET", target });
      expect(text).toContain("<EncodingType>url</EncodingType>");
      expect(text).toContain("<Owner>");
      v2.push(...keysIn(text));
      token = elementOf(text, "NextContinuationToken") || null;
      expect(elementOf(text, "IsTruncated")).toBe(String(token !== null));
    }
    expect(v2).toEqual(keys);
    const level = await go.send({ method: "GET", target: query(`delimiter=%2F&list-type=2&${prefix}`) });
    const common = [...level.text.matchAll(/<CommonPrefixes><Prefix>([^<]+)/g)].map(([, found]) => found);
    expect(common).toEqual(["0", "101", "102"].map((group) => `${segment}/${group}/`));
    const v1 = await cpp.send({
      method: "GET",
      target: query(`marker=${encodeURIComponent(keys[1] as string)}&${prefix}`),
    });
    expect(keysIn(v1.text)).toEqual(keys.slice(2));
    const after = query(`list-type=2&${prefix}&start-after=${encodeURIComponent(keys[3] as string)}`);
    expect(keysIn((await cpp.send({ method: "GET", target: after })).text)).toEqual(keys.slice(4));
  });

  test("reads: whole, ranges, with If-Match as the import's reader sends it, and sizes", async () => {
    const body = randomBytes(300_000);
    const put = await go.send({ method: "PUT", target: at("files/read"), body });
    const etag = put.field("etag") as string;
    const read = (headers: Record<string, string>): Promise<StackAnswer> =>
      go.send({ method: "GET", target: at("files/read"), headers });
    const range = await read({ range: "bytes=1000-70999", "if-match": etag });
    expect([range.status, range.field("content-range"), range.field("content-length")]).toEqual([
      206,
      "bytes 1000-70999/300000",
      "70000",
    ]);
    expect(range.bytes.equals(body.subarray(1000, 71_000))).toBe(true);
    expect((await read({ range: "bytes=299990-" })).bytes.equals(body.subarray(299_990))).toBe(true);
    expect((await read({ range: "bytes=0-299999" })).status).toBe(206);
    const beyond = await read({ range: "bytes=300000-300009" });
    expect([beyond.status, elementOf(beyond.text, "Code")]).toEqual([416, "InvalidRange"]);
    expect((await read({ "if-match": `"${"0".repeat(32)}"` })).status).toBe(412);
    expect((await go.send({ method: "HEAD", target: at("files/read") })).field("content-length")).toBe("300000");
  });

  test("copies as milvus-backup makes them: whole, and a large one in parts", async () => {
    const body = randomBytes(12 << 20);
    await go.send({ method: "PUT", target: at("files/source"), body });
    const source = { "x-amz-copy-source": `${bucket}/files/source` };
    const copied = await go.send({ method: "PUT", target: at("backup/copy"), headers: source });
    expect(elementOf(copied.text, "ETag")).toContain(createHash("md5").update(body).digest("hex"));
    const { uploadId } = await createUpload(go, "backup/parts");
    const etags: string[] = [];
    for (const [index, range] of ["bytes=0-10485759", "bytes=10485760-12582911"].entries()) {
      const part = await go.send({
        method: "PUT",
        target: `${at("backup/parts")}?partNumber=${index + 1}&uploadId=${uploadId}`,
        headers: { ...source, "x-amz-copy-source-range": range },
      });
      etags.push(/[0-9a-f]{32}/.exec(elementOf(part.text, "ETag"))?.[0] as string);
    }
    expect((await complete(go, "backup/parts", { uploadId, etags })).status).toBe(200);
    for (const key of ["backup/copy", "backup/parts"])
      expect((await cpp.send({ method: "GET", target: at(key) })).bytes.equals(body)).toBe(true);
  });

  test("many deletions in one request, with Content-MD5 as older clients send it", async () => {
    for (const key of ["files/d1", "files/d2"]) await go.send({ method: "PUT", target: at(key), body: key });
    const body =
      "<Delete><Object><Key>files/d1</Key></Object><Object><Key>files/d2</Key></Object><Object><Key>files/never</Key></Object></Delete>";
    const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
    const answer = await go.send({ method: "POST", target: `/${bucket}/?delete=`, headers, body });
    expect(keysIn(answer.text)).toEqual(["files/d1", "files/d2", "files/never"]);
    expect((await go.send({ method: "HEAD", target: at("files/d1") })).status).toBe(404);
  });
});

async function createUpload(
  stack: TestStack,
  key: string,
  headers = {},
): Promise<{ uploadId: string; status: number }> {
  const answer = await stack.send({ method: "POST", target: `${at(key)}?uploads=`, headers });
  return { uploadId: elementOf(answer.text, "UploadId"), status: answer.status };
}

async function uploadPart(stack: TestStack, key: string, part: { uploadId: string; number: number; body: Buffer }) {
  const target = `${at(key)}?partNumber=${part.number}&uploadId=${part.uploadId}`;
  return stack.send({ method: "PUT", target, body: part.body });
}

function complete(
  stack: TestStack,
  key: string,
  upload: { uploadId: string; etags: readonly string[]; numbers?: number[] },
) {
  const parts = upload.etags.map(
    (etag, index) =>
      `<Part><PartNumber>${upload.numbers?.[index] ?? index + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
  );
  const body = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join("")}</CompleteMultipartUpload>`;
  return stack.send({ method: "POST", target: `${at(key)}?uploadId=${upload.uploadId}`, body });
}

describe("point 7: every file of milvus-storage is an upload in parts", () => {
  test.each(stackNames)("parts come at once and in any order (%s)", async (name) => {
    const stack = openStack(name, server.endpoint);
    const parts = [randomBytes(arrowPartBytes), randomBytes(arrowPartBytes), randomBytes(777)];
    const key = `files/parts/${name.replace(" ", "")}`;
    const { uploadId } = await createUpload(stack, key);
    const answers = await Promise.all(
      [3, 1, 2].map((number) => uploadPart(stack, key, { uploadId, number, body: parts[number - 1] as Buffer })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const etags = [answers[1], answers[2], answers[0]].map((answer) => answer?.field("etag") as string);
    const completed = await complete(stack, key, { uploadId, etags });
    expect(completed.text).toMatch(/<CompleteMultipartUploadResult[ >]/);
    expect(elementOf(completed.text, "Bucket")).toBe(bucket);
    const head = await stack.send({ method: "HEAD", target: at(key) });
    expect([head.status, head.field("content-length")]).toEqual([200, String(2 * arrowPartBytes + 777)]);
    expect((await stack.send({ method: "GET", target: at(key) })).bytes.equals(Buffer.concat(parts))).toBe(true);
    stack.rest();
  });

  test("a tiny file is one tiny part, an empty one an empty part", async () => {
    for (const body of [Buffer.from("tiny"), Buffer.alloc(0)]) {
      const key = `files/small/${body.byteLength}`;
      const { uploadId } = await createUpload(cpp, key);
      const part = await uploadPart(cpp, key, { uploadId, number: 1, body });
      expect((await complete(cpp, key, { uploadId, etags: [part.field("etag") as string] })).status).toBe(200);
      expect((await cpp.send({ method: "GET", target: at(key) })).bytes.equals(body)).toBe(true);
    }
  });

  test("a part below 5 MiB that is not the last is refused, and named", async () => {
    const { uploadId } = await createUpload(cpp, "files/too-small");
    const etags: string[] = [];
    for (const number of [1, 2]) {
      const part = await uploadPart(cpp, "files/too-small", { uploadId, number, body: Buffer.alloc(1000, number) });
      etags.push(part.field("etag") as string);
    }
    const refused = await complete(cpp, "files/too-small", { uploadId, etags });
    expect([refused.status, elementOf(refused.text, "Code")]).toEqual([400, "EntityTooSmall"]);
  });

  test.each(["bare", "quoted", "quoted in XML's way"])(
    "ETags are taken %s, and Complete again says the same",
    async (form) => {
      const key = `files/etags/${form.length}`;
      const { uploadId } = await createUpload(cpp, key);
      const part = await uploadPart(cpp, key, { uploadId, number: 1, body: Buffer.from(form) });
      const bare = (part.field("etag") as string).replaceAll('"', "");
      const etag = form === "bare" ? bare : form === "quoted" ? `"${bare}"` : `&#34;${bare}&#34;`;
      const first = await complete(cpp, key, { uploadId, etags: [etag] });
      const again = await complete(cpp, key, { uploadId, etags: [etag] });
      expect([first.status, again.status]).toEqual([200, 200]);
      expect(elementOf(again.text, "ETag")).toBe(elementOf(first.text, "ETag"));
      const other = await complete(cpp, key, { uploadId, etags: ["0".repeat(32)] });
      expect([other.status, elementOf(other.text, "Code")]).toEqual([404, "NoSuchUpload"]);
    },
  );
});

describe("point 8: keys are strings of bytes", () => {
  test("markers of folders, keys that begin others, empty names and long ones live side by side", async () => {
    const long = `opaque/${"k".repeat(1000)}`;
    const keys = [
      "opaque/a",
      "opaque/a/",
      "opaque/a/b",
      "opaque/a/b/c",
      "opaque/a//b",
      "opaque//",
      "opaque/./x",
      "opaque/../y",
      long,
    ];
    for (const [index, key] of keys.entries()) {
      const body = key.endsWith("/") ? "" : String(index);
      const headers = key.endsWith("/") ? { "content-type": "application/x-directory" } : {};
      expect((await cpp.send({ method: "PUT", target: at(key), headers, body })).status, key).toBe(200);
    }
    for (const [index, key] of keys.entries()) {
      const got = await cpp.send({ method: "GET", target: at(key) });
      expect([key, got.status, got.text]).toEqual([key, 200, key.endsWith("/") ? "" : String(index)]);
    }
    const listed = await cpp.send({ method: "GET", target: `/${bucket}?list-type=2&prefix=opaque` });
    expect(keysIn(listed.text)).toEqual(keys.toSorted());
    await cpp.send({ method: "DELETE", target: at("opaque/a/") });
    expect((await cpp.send({ method: "HEAD", target: at("opaque/a/") })).status).toBe(404);
    expect((await cpp.send({ method: "HEAD", target: at("opaque/a/b") })).status).toBe(200);
  });

  test("Arrow makes a folder, empties it and leaves the marker of its parent, as its filesystem does", async () => {
    for (const marker of ["made/a/", "made/a/b/"]) await cpp.send({ method: "PUT", target: at(marker), body: "" });
    await cpp.send({ method: "PUT", target: at("made/a/b/file"), body: "x" });
    const probe = await cpp.send({ method: "GET", target: `/${bucket}?list-type=2&max-keys=1&prefix=made%2Fa%2Fb%2F` });
    expect(keysIn(probe.text)).toEqual(["made/a/b/"]);
    expect((await cpp.send({ method: "HEAD", target: at("made/a/b") })).status).toBe(404);
    expect((await cpp.send({ method: "DELETE", target: at("made/a/b/file") })).status).toBe(204);
    await cpp.send({ method: "PUT", target: at("made/a/b/"), body: "" });
    const left = await cpp.send({
      method: "GET",
      target: `/${bucket}?delimiter=%2F&list-type=2&prefix=made%2Fa%2Fb%2F`,
    });
    expect(keysIn(left.text)).toEqual(["made/a/b/"]);
  });
});

describe("point 9: answers as minio-go and the garbage collector need them", () => {
  test("DELETE is 204, also of what is not there; PUT is 200", async () => {
    expect((await go.send({ method: "PUT", target: at("files/once"), body: "x" })).status).toBe(200);
    for (let time = 0; time < 2; time++)
      expect((await go.send({ method: "DELETE", target: at("files/once") })).status).toBe(204);
  });

  test("Last-Modified is RFC 7231's, the listing's is the same instant, and true", async () => {
    const beforeMs = Math.floor(Date.now() / 1000) * 1000;
    await go.send({ method: "PUT", target: at("files/dated"), body: "x" });
    const head = await go.send({ method: "HEAD", target: at("files/dated") });
    const stamp = head.field("last-modified") as string;
    expect(new Date(stamp).toUTCString()).toBe(stamp);
    const modifiedMs = Date.parse(stamp);
    expect(modifiedMs).toBeGreaterThanOrEqual(beforeMs);
    expect(modifiedMs).toBeLessThanOrEqual(Date.now());
    const listed = await go.send({ method: "GET", target: `/${bucket}?list-type=2&prefix=files%2Fdated` });
    expect(Math.floor(Date.parse(elementOf(listed.text, "LastModified")) / 1000) * 1000).toBe(modifiedMs);
  });
});
