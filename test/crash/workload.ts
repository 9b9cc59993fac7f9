import type { Random } from "@kakera/kernel";
import type { S3Client } from "../harness/request.ts";
import { digest, type Ledger } from "./ledger.ts";

export interface WorkloadOptions {
  readonly client: S3Client;
  readonly bucket: string;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly workerCount: number;
  readonly keysPerWorker: number;
}

/** Both sides of every border: inline, replicated, coded in segments, shards with files of their own. */
const sizes = [0, 700, 2048, 2049, 9_000, 32_768, 32_769, 150_000, 150_000, 700_000, 2_500_000];

/**
 * Works on keys of its own in each worker, one change at a time per key, until the server is gone; resolves to the
 * number of acknowledged changes. Every acknowledgement goes into the ledger before the next change.
 */
export async function workUntilGone(options: WorkloadOptions): Promise<number> {
  const workers = Array.from({ length: options.workerCount }, (_, worker) => workAlone(options, worker));
  const counts = await Promise.all(workers);
  return counts.reduce((sum, count) => sum + count, 0);
}

async function workAlone(options: WorkloadOptions, worker: number): Promise<number> {
  const { random, keysPerWorker } = options;
  let acknowledged = 0;
  for (;;) {
    const key = `w${worker}/k${Math.floor(random.fraction() * keysPerWorker)}`;
    const roll = random.fraction();
    try {
      if (roll < 0.6) await putOne(options, key);
      else if (roll < 0.8) await deleteOne(options, key);
      else if (roll < 0.9) await deleteMany(options, worker);
      else await uploadInParts(options, key);
      acknowledged++;
    } catch {
      return acknowledged;
    }
  }
}

function makeBody(random: Random): Buffer {
  const size = sizes[Math.floor(random.fraction() * sizes.length)] as number;
  const body = Buffer.alloc(size, Buffer.from(random.bytes(64)));
  for (let at = 0; at + 8 <= size; at += 512) body.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
  return body;
}

/** 503 and 507 promise that nothing happened only when they say so; here every other status than success is unsure until read. */
function expectStatus(actual: number, wanted: number): void {
  if (actual !== wanted) throw new Error(`status ${actual}`);
}

async function putOne({ client, bucket, ledger, random }: WorkloadOptions, key: string): Promise<void> {
  const body = makeBody(random);
  ledger.begin(key, digest(body));
  expectStatus((await client.send({ method: "PUT", target: `/${bucket}/${key}`, body })).status, 200);
  ledger.acknowledge(key, digest(body));
}

async function deleteOne({ client, bucket, ledger }: WorkloadOptions, key: string): Promise<void> {
  ledger.begin(key, null);
  expectStatus((await client.send({ method: "DELETE", target: `/${bucket}/${key}` })).status, 204);
  ledger.acknowledge(key, null);
}

async function deleteMany(
  { client, bucket, ledger, random, keysPerWorker }: WorkloadOptions,
  worker: number,
): Promise<void> {
  const first = Math.floor(random.fraction() * keysPerWorker);
  const keys = [0, 1, 2].map((step) => `w${worker}/k${(first + step) % keysPerWorker}`);
  for (const key of keys) ledger.begin(key, null);
  const body = `<Delete>${keys.map((key) => `<Object><Key>${key}</Key></Object>`).join("")}</Delete>`;
  expectStatus((await client.send({ method: "POST", target: `/${bucket}?delete`, body })).status, 200);
  for (const key of keys) ledger.acknowledge(key, null);
}

async function uploadInParts({ client, bucket, ledger, random }: WorkloadOptions, key: string): Promise<void> {
  const target = `/${bucket}/${key}`;
  const created = await client.send({ method: "POST", target: `${target}?uploads` });
  expectStatus(created.status, 200);
  const uploadId = /<UploadId>([^<]+)</.exec(created.body.toString())?.[1] as string;
  const parts = [makeBody(random), makeBody(random)];
  const etags: string[] = [];
  for (const [index, part] of parts.entries()) {
    const answer = await client.send({
      method: "PUT",
      target: `${target}?partNumber=${index + 1}&uploadId=${uploadId}`,
      body: part,
    });
    expectStatus(answer.status, 200);
    etags.push(answer.headers.etag as string);
  }
  const body = `<CompleteMultipartUpload>${etags.map((etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`).join("")}</CompleteMultipartUpload>`;
  const value = digest(Buffer.concat(parts));
  ledger.begin(key, value);
  const answer = await client.send({ method: "POST", target: `${target}?uploadId=${uploadId}`, body });
  expectStatus(answer.status, 200);
  if (!answer.body.toString().includes("<CompleteMultipartUploadResult")) throw new Error(answer.body.toString());
  ledger.acknowledge(key, value);
}
