import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { startEtcd } from "../harness/etcd.ts";
import { obtainEtcd } from "../harness/etcd/obtain-etcd.ts";
import { freePort } from "../harness/free-port.ts";
import { kakera } from "../harness/kakera.ts";
import { createS3Client } from "../harness/request.ts";
import { startServer, testCredentials, until, type TestServer } from "../harness/server.ts";

const isHere = (await obtainEtcd("current", "kakera recover-metadata")) !== null;
const env = {
  KAKERA_CLUSTER_SECRET: "a secret that every node of the cluster has",
  // The archive is late enough for a server to be killed before it has the last change, however busy the machine is.
  KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 200, archiveIntervalMs: 4_000 }),
};

function clientOf(server: TestServer): S3Client {
  return new S3Client({
    endpoint: server.endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: testCredentials.accessKey, secretAccessKey: testCredentials.secretKey },
  });
}

interface Archived {
  readonly journal: { readonly revision: number };
  readonly cluster: { readonly archive: { readonly publishedRevision: number } | null };
}

/** As `kakera status --json` says it, without a process for each time that somebody asks. */
async function statusOf<Status>(server: TestServer): Promise<Status> {
  const client = createS3Client(server.endpoint, testCredentials, { connections: 1 });
  try {
    const { body } = await client.send({ method: "GET", target: "/kakera/admin/v1/status" });
    return JSON.parse(body.toString()) as Status;
  } finally {
    client.close();
  }
}

/** Waits until the archive has all that was committed so far; maintenance commits what it counts, again and again. */
async function archived(server: TestServer): Promise<void> {
  let wanted = Infinity;
  await until("the archive has all of the log", async () => {
    const { journal, cluster } = await statusOf<Archived>(server);
    wanted = Math.min(wanted, journal.revision);
    return (cluster.archive?.publishedRevision ?? 0) >= wanted;
  });
}

/** Waits until the chunks were counted so many times more. */
async function counted(server: TestServer, times: number): Promise<void> {
  const seen = new Set<number>();
  await until("the chunks are counted", async () => {
    const { provenMs } = (await statusOf<{ census: { provenMs: number | null } }>(server)).census;
    if (provenMs !== null) seen.add(provenMs);
    return seen.size > times;
  });
}

const MIB = 1024 * 1024;
const buckets = ["photos", "logs", "empty-one"];

/** Overwrites, deletes, multipart uploads, tags, buckets: what is there in the end, by bucket/key. */
async function mixedWorkload(client: S3Client): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  for (const Bucket of [...buckets, "removed"]) await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new DeleteBucketCommand({ Bucket: "removed" }));
  const put = async (Bucket: string, Key: string, Body: Buffer): Promise<void> => {
    await client.send(new PutObjectCommand({ Bucket, Key, Body }));
    contents.set(`${Bucket}/${Key}`, Body);
  };
  for (const [index, sizeBytes] of [0, 1, 700, 20_000, 100_000, 3 * MIB].entries())
    for (const Bucket of ["photos", "logs"]) await put(Bucket, `size/${index}`, randomBytes(sizeBytes));
  for (let i = 0; i < 40; i++) await put("logs", `day-${i}`, Buffer.from(`line ${i}`));
  for (let i = 0; i < 40; i += 3) await put("logs", `day-${i}`, randomBytes(5_000));
  await client.send(new DeleteObjectCommand({ Bucket: "photos", Key: "size/4" }));
  contents.delete("photos/size/4");
  const Objects = Array.from({ length: 10 }, (_, i) => ({ Key: `day-${i}` }));
  await client.send(new DeleteObjectsCommand({ Bucket: "logs", Delete: { Objects } }));
  for (const { Key } of Objects) contents.delete(`logs/${Key}`);
  const parts = [randomBytes(5 * MIB), randomBytes(100_000)];
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket: "photos", Key: "parts" }));
  const upload = { Bucket: "photos", Key: "parts", UploadId };
  const Parts = [];
  for (const [index, Body] of parts.entries()) {
    const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber: index + 1, Body }));
    Parts.push({ PartNumber: index + 1, ETag });
  }
  await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
  contents.set("photos/parts", Buffer.concat(parts));
  const open = await client.send(new CreateMultipartUploadCommand({ Bucket: "photos", Key: "open" }));
  await client.send(
    new UploadPartCommand({
      Bucket: "photos",
      Key: "open",
      UploadId: open.UploadId,
      PartNumber: 1,
      Body: randomBytes(MIB),
    }),
  );
  const Tagging = { TagSet: [{ Key: "kind", Value: "big" }] };
  await client.send(new PutObjectTaggingCommand({ Bucket: "photos", Key: "size/5", Tagging }));
  return contents;
}

/** Everything that a client can see. */
async function everything(client: S3Client): Promise<Map<string, Buffer>> {
  const { Buckets } = await client.send(new ListBucketsCommand({}));
  expect(Buckets?.map(({ Name }) => Name)).toEqual(buckets.toSorted());
  const contents = new Map<string, Buffer>();
  for (const Bucket of buckets) {
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket }));
    for (const { Key } of Contents ?? []) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      contents.set(`${Bucket}/${Key}`, Buffer.from((await Body?.transformToByteArray()) ?? []));
    }
  }
  return contents;
}

async function checkRest(client: S3Client): Promise<void> {
  const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket: "photos", Key: "size/5" }));
  expect(TagSet).toEqual([{ Key: "kind", Value: "big" }]);
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: "photos" }));
  expect(Uploads?.map(({ Key }) => Key)).toEqual(["open"]);
  const UploadId = Uploads?.[0]?.UploadId;
  const { Parts } = await client.send(new ListPartsCommand({ Bucket: "photos", Key: "open", UploadId }));
  expect(Parts?.map(({ Size }) => Size)).toEqual([MIB]);
  // What was restored goes on being written to.
  const finish = { Bucket: "photos", Key: "open", UploadId };
  const [part] = Parts ?? [];
  await client.send(
    new CompleteMultipartUploadCommand({
      ...finish,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part?.ETag }] },
    }),
  );
}

describe.skipIf(!isHere)("a cluster whose etcd is thrown away", () => {
  test("has everything up to the archived position back exactly, and lists what is newer as unproven", async () => {
    const directory = mkdtempSync(join(tmpdir(), "kakera-recover-"));
    const drives = join(directory, "drive{1...4}");
    const serve = async (endpoint: string) => ({
      directory,
      env,
      args: await argsOver(endpoint),
    });
    try {
      let contents: Map<string, Buffer>;
      {
        await using etcd = await startEtcd({ version: "current", members: 1 });
        const server = await startServer(await serve(etcd.endpoints[0] as string));
        const client = clientOf(server);
        contents = await mixedWorkload(client);
        await archived(server);
        // The archive takes it seconds later; the server is gone by then.
        const newer = randomBytes(50_000);
        await client.send(new PutObjectCommand({ Bucket: "logs", Key: "newer", Body: newer }));
        await server.kill();
      }
      await using etcd = await startEtcd({ version: "current", members: 1 });
      const endpoint = etcd.endpoints[0] as string;
      await expect(startServer(await serve(endpoint))).rejects.toThrow(
        /ended \(4\)[^]*DRIVE_FOREIGN: .*recover-metadata/,
      );

      const looked = await kakera("recover-metadata", drives, "--dry-run", "--json");
      expect(looked.code).toBe(1);
      const [report, unproven, ...rest] = looked.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as object);
      expect(report).toMatchObject({ kind: "recovery", bucketCount: 3, objectCount: contents.size, unprovenCount: 1 });
      expect(unproven).toMatchObject({ bucket: "logs", key: "newer", sizeBytes: 50_000, isReadable: true });
      expect(rest).toEqual([]);

      const done = await kakera("recover-metadata", drives, "--to", endpoint, "--yes");
      expect([done.code, done.stderr]).toEqual([1, expect.stringContaining("the metadata is restored")]);
      const server = await startServer(await serve(endpoint));
      try {
        const client = clientOf(server);
        expect([...(await everything(client))].toSorted(byName)).toEqual([...contents].toSorted(byName));
        await checkRest(client);
        // The archive goes on under the new lineage, and maintenance leaves what nobody can judge, also when it knows who is gone.
        await archived(server);
        await counted(server, 50);
      } finally {
        await server.stop();
      }
      const again = await kakera("recover-metadata", drives, "--dry-run");
      expect(again.stdout).toMatch(/logs +newer/);
      expect((await kakera("recover-metadata", "--accept-loss", "--to", endpoint, "--yes")).code).toBe(0);
      const last = await startServer(await serve(endpoint));
      // Who is gone is known some seconds later.
      await until("what nobody proved is removed", async () => {
        const metrics = await (await fetch(`${last.endpoint}/metrics`)).text();
        return /^kakera_orphan_shards_removed_total [1-9]/m.test(metrics);
      });
      await counted(last, 2);
      await last.stop();
      expect((await kakera("recover-metadata", drives, "--dry-run")).stdout).toMatch(/unproven +none/);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }, 120_000);

  test("is refused while a server has the drives, and over a log that lives", async () => {
    const directory = mkdtempSync(join(tmpdir(), "kakera-recover-"));
    const drives = join(directory, "drive{1...2}");
    await using etcd = await startEtcd({ version: "current", members: 1 });
    const endpoint = etcd.endpoints[0] as string;
    const server = await startServer({
      directory,
      env,
      driveCount: 2,
      args: await argsOver(endpoint),
    });
    try {
      await archived(server);
      const busy = await kakera("recover-metadata", drives, "--to", endpoint, "--yes");
      expect([busy.code, busy.stderr]).toEqual([4, expect.stringContaining("DRIVE_BUSY")]);
      await server.stop();
      const living = await kakera("recover-metadata", drives, "--to", endpoint, "--yes");
      expect([living.code, living.stderr]).toEqual([4, expect.stringContaining("nothing contradicts")]);
      const copy = join(directory, "copy");
      expect((await kakera("recover-metadata", drives, "--to", copy)).code).toBe(0);
      expect((await kakera("recover-metadata", copy, "--dry-run")).code).toBe(0);
      const other = await kakera("recover-metadata", drives, "--to", copy);
      expect([other.code, other.stderr]).toEqual([4, expect.stringContaining("is not empty")]);
    } finally {
      await server.dispose();
    }
  }, 60_000);
});

async function argsOver(endpoint: string): Promise<string[]> {
  return ["--etcd", endpoint, "--expect-domains", "1", "--node-address", `127.0.0.1:${await freePort()}`];
}

function byName([one]: [string, Buffer], [other]: [string, Buffer]): number {
  return one < other ? -1 : 1;
}
