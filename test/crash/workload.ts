import type { Random } from "@kakera/kernel";
import type { Answer, S3Client } from "../harness/request.ts";
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

/** In the ledger, beside the objects' keys: a bucket that is there holds this. */
export const bucketKey = (name: string): string => `bucket ${name}`;
export const bucketOfKey = (key: string): string | null => (key.startsWith("bucket ") ? key.slice(7) : null);
export const bucketHeld = "a bucket";

/** An answer that a healthy server does not give to this workload. */
class UnexpectedAnswer extends Error {
  readonly isUnavailable: boolean;

  constructor(status: number, text: string) {
    super(`${status} ${text}`);
    this.isUnavailable = status === 503;
  }
}

const unavailableWaitMs = 20;

export interface Worked {
  readonly acknowledgedCount: number;
  /** Errors that the server answered while it lived, other than 503: each is a fault. */
  readonly unexpected: readonly string[];
  /** 503 promises nothing: what it leaves unsure stays so. A server that is well and has time gives none. */
  readonly unavailableCount: number;
}

/**
 * Works on keys of its own in each worker, one change at a time per key, until the server is gone; resolves to what
 * was done. Every acknowledgement goes into the ledger before the next change.
 */
export async function workUntilGone(options: WorkloadOptions): Promise<Worked> {
  const workers = Array.from({ length: options.workerCount }, (_, worker) => workAlone(options, worker));
  const worked = await Promise.all(workers);
  return {
    acknowledgedCount: worked.reduce((sum, { acknowledgedCount }) => sum + acknowledgedCount, 0),
    unexpected: worked.flatMap(({ unexpected }) => unexpected),
    unavailableCount: worked.reduce((sum, { unavailableCount }) => sum + unavailableCount, 0),
  };
}

async function workAlone(options: WorkloadOptions, worker: number): Promise<Worked> {
  const { random, keysPerWorker } = options;
  let acknowledgedCount = 0;
  let unavailableCount = 0;
  for (;;) {
    const key = `w${worker}/k${Math.floor(random.fraction() * keysPerWorker)}`;
    const roll = random.fraction();
    try {
      if (roll < 0.57) await putOne(options, key);
      else if (roll < 0.77) await deleteOne(options, key);
      else if (roll < 0.87) await deleteMany(options, worker);
      else if (roll < 0.97) await uploadInParts(options, key);
      else await makeAndRemoveBucket(options, worker);
      acknowledgedCount++;
    } catch (error) {
      const isUnexpected = error instanceof UnexpectedAnswer;
      if (!isUnexpected || !error.isUnavailable)
        return { acknowledgedCount, unavailableCount, unexpected: isUnexpected ? [`${key}: ${error.message}`] : [] };
      unavailableCount++;
      await new Promise((resolve) => setTimeout(resolve, unavailableWaitMs));
    }
  }
}

function makeBody(random: Random): Buffer {
  const size = sizes[Math.floor(random.fraction() * sizes.length)] as number;
  const body = Buffer.alloc(size, Buffer.from(random.bytes(64)));
  for (let at = 0; at + 8 <= size; at += 512) body.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
  return body;
}

function expectStatus(answer: Answer, wanted: number): void {
  if (answer.status !== wanted) throw new UnexpectedAnswer(answer.status, answer.body.toString().slice(0, 300));
}

async function putOne({ client, bucket, ledger, random }: WorkloadOptions, key: string): Promise<void> {
  const body = makeBody(random);
  ledger.begin(key, digest(body));
  expectStatus(await client.send({ method: "PUT", target: `/${bucket}/${key}`, body }), 200);
  ledger.acknowledge(key, digest(body));
}

async function deleteOne({ client, bucket, ledger }: WorkloadOptions, key: string): Promise<void> {
  ledger.begin(key, null);
  expectStatus(await client.send({ method: "DELETE", target: `/${bucket}/${key}` }), 204);
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
  expectStatus(await client.send({ method: "POST", target: `/${bucket}?delete`, body }), 200);
  for (const key of keys) ledger.acknowledge(key, null);
}

async function uploadInParts({ client, bucket, ledger, random }: WorkloadOptions, key: string): Promise<void> {
  const target = `/${bucket}/${key}`;
  const created = await client.send({ method: "POST", target: `${target}?uploads` });
  expectStatus(created, 200);
  const uploadId = /<UploadId>([^<]+)</.exec(created.body.toString())?.[1] as string;
  const parts = [makeBody(random), makeBody(random)];
  const etags: string[] = [];
  for (const [index, part] of parts.entries()) {
    const answer = await client.send({
      method: "PUT",
      target: `${target}?partNumber=${index + 1}&uploadId=${uploadId}`,
      body: part,
    });
    expectStatus(answer, 200);
    etags.push(answer.headers.etag as string);
  }
  const body = `<CompleteMultipartUpload>${etags.map((etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`).join("")}</CompleteMultipartUpload>`;
  const value = digest(Buffer.concat(parts));
  ledger.begin(key, value);
  const answer = await client.send({ method: "POST", target: `${target}?uploadId=${uploadId}`, body });
  expectStatus(answer, 200);
  if (!answer.body.toString().includes("<CompleteMultipartUploadResult"))
    throw new UnexpectedAnswer(answer.status, answer.body.toString());
  ledger.acknowledge(key, value);
}

/** A bucket of the worker's own; that it is there already, since a crash, is no fault. */
async function makeAndRemoveBucket({ client, bucket, ledger }: WorkloadOptions, worker: number): Promise<void> {
  const name = `${bucket}-w${worker}`;
  ledger.begin(bucketKey(name), bucketHeld);
  expectStatus(await client.send({ method: "PUT", target: `/${name}` }), 200);
  ledger.acknowledge(bucketKey(name), bucketHeld);
  ledger.begin(bucketKey(name), null);
  expectStatus(await client.send({ method: "DELETE", target: `/${name}` }), 204);
  ledger.acknowledge(bucketKey(name), null);
}
