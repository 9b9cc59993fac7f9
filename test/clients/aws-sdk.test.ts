import { createHash, randomFillSync } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
  AbortMultipartUploadCommand,
  type ChecksumAlgorithm,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeCertificate } from "../harness/certificate.ts";
import { spawnServer, testCredentials, until, type TestServer } from "../harness/server.ts";

const bytes = (count: number): Buffer => randomFillSync(Buffer.alloc(count));
const partSizeBytes = 5 * 1024 * 1024;

describe.each(["http", "https"])("the AWS SDK over %s", (scheme) => {
  let server: TestServer;
  let client: S3Client;
  const Bucket = "sdk-bucket";

  beforeAll(async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    const directory = mkdtempSync(join(tmpdir(), "kakera-sdk-"));
    server = await spawnServer({
      directory,
      args: scheme === "https" ? ["--certs-dir", makeCertificate(directory)] : [],
    });
    client = new S3Client({
      endpoint: `${scheme}://127.0.0.1:${server.port}`,
      region: "eu-central-1",
      forcePathStyle: true,
      credentials: { accessKeyId: testCredentials.accessKey, secretAccessKey: testCredentials.secretKey },
      maxAttempts: 1,
    });
    await until("the server answers", () => {
      if (server.process.exitCode !== null) throw new Error(server.output());
      return client.send(new ListBucketsCommand({})).then(
        () => true,
        () => false,
      );
    });
    await client.send(new CreateBucketCommand({ Bucket }));
  });
  afterAll(async () => {
    client.destroy();
    await server.dispose();
  });

  async function get(Key: string, extra: { Range?: string; PartNumber?: number } = {}): Promise<Buffer> {
    const answer = await client.send(new GetObjectCommand({ Bucket, Key, ...extra }));
    return Buffer.from((await answer.Body?.transformToByteArray()) as Uint8Array);
  }

  test.each([0, 1, 1500, 20_000, 100_000, 2_000_000, 17_000_000])(
    "round-trips %d bytes with its default checksums",
    async (size) => {
      const Body = bytes(size);
      const put = await client.send(new PutObjectCommand({ Bucket, Key: `k/${size}`, Body }));
      expect(put.ETag).toBe(`"${createHash("md5").update(Body).digest("hex")}"`);
      expect(put.ChecksumCRC32).toBeDefined();
      expect(Buffer.compare(await get(`k/${size}`), Body)).toBe(0);
      const head = await client.send(new HeadObjectCommand({ Bucket, Key: `k/${size}`, ChecksumMode: "ENABLED" }));
      expect(head.ContentLength).toBe(size);
      expect(head.ChecksumCRC32).toBe(put.ChecksumCRC32);
    },
  );

  test.each(["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] satisfies ChecksumAlgorithm[])(
    "stores and returns %s",
    async (ChecksumAlgorithm) => {
      const Body = bytes(123_456);
      const put = await client.send(
        new PutObjectCommand({ Bucket, Key: `sum/${ChecksumAlgorithm}`, Body, ChecksumAlgorithm }),
      );
      const name = `Checksum${ChecksumAlgorithm}` as const;
      expect(put[name]).toBeDefined();
      const got = await client.send(
        new GetObjectCommand({ Bucket, Key: `sum/${ChecksumAlgorithm}`, ChecksumMode: "ENABLED" }),
      );
      expect(got[name]).toBe(put[name]);
      expect(Buffer.compare(Buffer.from((await got.Body?.transformToByteArray()) as Uint8Array), Body)).toBe(0);
    },
  );

  test("uploads in parts through lib-storage and reads ranges and parts of it", async () => {
    const Body = bytes(partSizeBytes * 2 + 777);
    await new Upload({ client, params: { Bucket, Key: "multi", Body }, partSize: partSizeBytes, queueSize: 3 }).done();
    expect(Buffer.compare(await get("multi"), Body)).toBe(0);
    expect(
      Buffer.compare(
        await get("multi", { Range: `bytes=${partSizeBytes - 10}-${partSizeBytes + 9}` }),
        Body.subarray(partSizeBytes - 10, partSizeBytes + 10),
      ),
    ).toBe(0);
    expect(Buffer.compare(await get("multi", { PartNumber: 3 }), Body.subarray(partSizeBytes * 2))).toBe(0);
    const attributes = await client.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key: "multi",
        ObjectAttributes: ["ETag", "ObjectSize", "ObjectParts", "Checksum"],
      }),
    );
    expect(attributes.ObjectSize).toBe(Body.byteLength);
    expect(attributes.ObjectParts?.TotalPartsCount).toBe(3);
    expect(attributes.ETag).toMatch(/^[0-9a-f]{32}-3$/);
  });

  test("lists, copies parts into, completes twice and aborts uploads", async () => {
    const source = bytes(partSizeBytes);
    await client.send(new PutObjectCommand({ Bucket, Key: "source", Body: source }));
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: "assembled" }));
    const first = await client.send(
      new UploadPartCopyCommand({ Bucket, Key: "assembled", UploadId, PartNumber: 1, CopySource: `${Bucket}/source` }),
    );
    const second = await client.send(
      new UploadPartCommand({ Bucket, Key: "assembled", UploadId, PartNumber: 2, Body: "tail" }),
    );
    const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket }));
    expect(uploads.Uploads?.map((upload) => upload.Key)).toEqual(["assembled"]);
    const parts = await client.send(new ListPartsCommand({ Bucket, Key: "assembled", UploadId }));
    expect(parts.Parts?.map((part) => part.Size)).toEqual([partSizeBytes, 4]);
    const complete = new CompleteMultipartUploadCommand({
      Bucket,
      Key: "assembled",
      UploadId,
      MultipartUpload: {
        Parts: [
          { PartNumber: 1, ETag: first.CopyPartResult?.ETag },
          { PartNumber: 2, ETag: second.ETag },
        ],
      },
    });
    const completed = await client.send(complete);
    const again = await client.send(complete);
    expect(again.ETag).toBe(completed.ETag);
    expect(Buffer.compare(await get("assembled"), Buffer.concat([source, Buffer.from("tail")]))).toBe(0);
    const doomed = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: "doomed" }));
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key: "doomed", UploadId: doomed.UploadId }));
    await expect(
      client.send(
        new UploadPartCommand({ Bucket, Key: "doomed", UploadId: doomed.UploadId, PartNumber: 1, Body: "x" }),
      ),
    ).rejects.toMatchObject({ name: "NoSuchUpload" });
  });

  test("has exactly one winner of twenty PUTs with If-None-Match: *", async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        client.send(new PutObjectCommand({ Bucket, Key: "one-winner", Body: `writer ${i}`, IfNoneMatch: "*" })),
      ),
    );
    const winners = outcomes.flatMap((outcome, i) => (outcome.status === "fulfilled" ? [i] : []));
    expect(winners).toHaveLength(1);
    expect((await get("one-winner")).toString()).toBe(`writer ${winners[0]}`);
  });

  test("copies, tags, lists versions and deletes many", async () => {
    await client.send(
      new PutObjectCommand({
        Bucket,
        Key: "d/ä &+ü",
        Body: "umlaut",
        Metadata: { colour: "blue" },
        Tagging: "a=1&b=2",
      }),
    );
    await client.send(
      new CopyObjectCommand({ Bucket, Key: "d/copy", CopySource: `${Bucket}/${encodeURIComponent("d/ä &+ü")}` }),
    );
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: "d/copy" }));
    expect(head.Metadata).toEqual({ colour: "blue" });
    const tags = await client.send(new GetObjectTaggingCommand({ Bucket, Key: "d/ä &+ü" }));
    expect(tags.TagSet).toEqual([
      { Key: "a", Value: "1" },
      { Key: "b", Value: "2" },
    ]);
    await client.send(
      new PutObjectTaggingCommand({ Bucket, Key: "d/copy", Tagging: { TagSet: [{ Key: "c", Value: "3" }] } }),
    );
    expect((await client.send(new GetObjectTaggingCommand({ Bucket, Key: "d/copy" }))).TagSet).toEqual([
      { Key: "c", Value: "3" },
    ]);
    const versions = await client.send(new ListObjectVersionsCommand({ Bucket, Prefix: "d/" }));
    expect(versions.Versions?.map((version) => [version.Key, version.VersionId, version.IsLatest])).toEqual([
      ["d/copy", "null", true],
      ["d/ä &+ü", "null", true],
    ]);
    const deleted = await client.send(
      new DeleteObjectsCommand({
        Bucket,
        Delete: { Objects: [{ Key: "d/copy" }, { Key: "d/ä &+ü" }, { Key: "d/absent" }] },
      }),
    );
    expect(deleted.Deleted).toHaveLength(3);
    expect((await client.send(new ListObjectsV2Command({ Bucket, Prefix: "d/" }))).KeyCount).toBe(0);
  });

  test("follows continuation tokens over many keys in order", async () => {
    const keys = Array.from({ length: 60 }, (_, i) => `page/${String(i).padStart(3, "0")}`);
    await Promise.all(keys.map((Key) => client.send(new PutObjectCommand({ Bucket, Key, Body: "x" }))));
    const listed: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket, Prefix: "page/", MaxKeys: 7, ContinuationToken }),
      );
      listed.push(...(page.Contents ?? []).map((item) => item.Key as string));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(listed).toEqual(keys);
  });

  test("makes URLs that work without it", async () => {
    const put = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key: "url" }), { expiresIn: 60 });
    expect((await fetch(put, { method: "PUT", body: "by url" })).status).toBe(200);
    const url = await getSignedUrl(
      client,
      new GetObjectCommand({ Bucket, Key: "url", ResponseContentType: "text/x-mine" }),
      { expiresIn: 60 },
    );
    const got = await fetch(url);
    expect([await got.text(), got.headers.get("content-type")]).toEqual(["by url", "text/x-mine"]);
  });

  test("gets S3's own errors", async () => {
    await expect(get("absent")).rejects.toMatchObject({ name: "NoSuchKey", $metadata: { httpStatusCode: 404 } });
    await expect(client.send(new HeadBucketCommand({ Bucket: "absent-bucket" }))).rejects.toMatchObject({
      name: "NotFound",
    });
    await expect(client.send(new CreateBucketCommand({ Bucket: "No_Good" }))).rejects.toMatchObject({
      name: "InvalidBucketName",
    });
    await expect(client.send(new DeleteBucketCommand({ Bucket }))).rejects.toMatchObject({ name: "BucketNotEmpty" });
    await client.send(new DeleteObjectCommand({ Bucket, Key: "absent" }));
    expect((await client.send(new GetBucketLocationCommand({ Bucket }))).$metadata.httpStatusCode).toBe(200);
  });
});
