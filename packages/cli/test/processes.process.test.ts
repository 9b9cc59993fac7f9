import { createHash } from "node:crypto";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createSeededRandom } from "@kakera/kernel";
import type { Answer, S3Client } from "../../../test/harness/request.ts";
import {
  servingProcesses,
  spawnServer,
  startServer,
  testCredentials,
  until,
  untilReady,
  type ServerOptions,
  type TestServer,
} from "../../../test/harness/server.ts";
import { createSpreadClient, processOf, type SpreadClient } from "../../../test/harness/spread-client.ts";
import { sha256Hex, signHeaders } from "../../../test/harness/sign.ts";

/** Maintenance looks often, so that what it may not do it would do at once. */
const quick = { KAKERA_TEST_SETTINGS: JSON.stringify({ maintenanceIntervalMs: 100 }) };
/** In the record, whole copies, coded, in files of their own. */
const sizes = [0, 700, 9_000, 150_000, 2_500_000];

let server: TestServer;
const clients: S3Client[] = [];

async function start(options: ServerOptions = {}): Promise<SpreadClient> {
  server = await startServer({ processes: 2, env: quick, ...options });
  const client = await connect();
  expect((await client.send({ method: "PUT", target: "/bkt" })).status).toBe(200);
  return client;
}

async function connect(): Promise<SpreadClient> {
  const client = await createSpreadClient(server.endpoint, testCredentials, server.processes);
  clients.push(client);
  return client;
}

async function end(): Promise<void> {
  for (const client of clients.splice(0)) client.close();
  await server.dispose();
}

const random = createSeededRandom(21);
const bodyOf = (sizeBytes: number): Buffer => Buffer.from(random.bytes(sizeBytes));
const put = (client: S3Client, key: string, body: Buffer): Promise<Answer> =>
  client.send({ method: "PUT", target: `/bkt/${key}`, body });
const get = (client: S3Client, key: string): Promise<Answer> => client.send({ method: "GET", target: `/bkt/${key}` });
const md5 = (body: Buffer): string => createHash("md5").update(body).digest("hex");

/** By a connection of its own: whoever of them accepts it. One that dies with it in its queue is asked in vain. */
async function metric(name: string): Promise<number> {
  let text: string | null = null;
  while (text === null) {
    text = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest(`${server.endpoint}/metrics`, { agent: false }, resolve).once("error", reject).end();
    })
      .then(async (response) => (await collect(response)).toString())
      .catch(() => null);
  }
  const line = text.split("\n").find((found) => found.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? Number.NaN);
}

/** The process that the server said it had started last. */
function siblingPid(): number {
  const lines = server
    .output()
    .split("\n")
    .filter((line) => line.includes('"process.serving"'));
  return (JSON.parse(lines.at(-1) as string) as { pid: number }).pid;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface Load {
  /** The digest of each key's body that was acknowledged last. */
  readonly acknowledged: Map<string, string>;
  /** The digest of each key's body that was put last without an answer: it may be there or not. */
  readonly open: Map<string, string>;
  failedCount: number;
  stop(): Promise<void>;
}

/** Puts objects through each client, one after the other, until told to stop. */
function load(through: readonly S3Client[]): Load {
  let isStopped = false;
  const state = { acknowledged: new Map<string, string>(), open: new Map<string, string>(), failedCount: 0 };
  const workers = through.map(async (client, worker) => {
    for (let count = 0; !isStopped; count++) {
      const key = `w${worker}-${count}`;
      const body = bodyOf(sizes[count % sizes.length] as number);
      const answer = await put(client, key, body).catch(() => null);
      if (answer?.status === 200) state.acknowledged.set(key, md5(body));
      else {
        state.failedCount++;
        state.open.set(key, md5(body));
      }
      if (answer !== null && ![200, 503].includes(answer.status)) throw new Error(`${key}: ${answer.status}`);
    }
  });
  return Object.assign(state, {
    async stop() {
      isStopped = true;
      await Promise.all(workers);
    },
  });
}

async function expectAll(client: S3Client, { acknowledged, open }: Pick<Load, "acknowledged" | "open">): Promise<void> {
  for (const [key, digest] of acknowledged) {
    const answer = await get(client, key);
    expect([key, answer.status]).toEqual([key, 200]);
    expect([digest, open.get(key)], `the body of ${key}, as acknowledged or as put after that`).toContain(
      md5(answer.body),
    );
  }
}

describe("a server in two processes", () => {
  let client: SpreadClient;

  beforeAll(async () => {
    client = await start();
  });
  afterAll(end);

  test("what one has acknowledged the other one answers with at once, in both directions", async () => {
    const both = client.clients;
    const [a, b] = both as [S3Client, S3Client];
    for (let round = 0; round < 40; round++) {
      const [writer, reader] = round % 2 === 0 ? [a, b] : [b, a];
      const body = bodyOf(sizes[round % sizes.length] as number);
      const written = await put(writer, "k", body);
      const read = await get(reader, "k");
      expect([written.status, read.status, read.headers.etag]).toEqual([200, 200, written.headers.etag]);
      expect(read.body.equals(body)).toBe(true);
      expect(processOf(written)).not.toBe(processOf(read));
      const key = `list/${String(round).padStart(3, "0")}`;
      await put(writer, key, Buffer.from("x"));
      const listed = await reader.send({ method: "GET", target: "/bkt?list-type=2&prefix=list/" });
      expect([...listed.body.toString().matchAll(/<Key>/g)]).toHaveLength(round + 1);
      if (round % 5 !== 0) continue;
      expect((await reader.send({ method: "DELETE", target: "/bkt/k" })).status).toBe(204);
      expect((await get(writer, "k")).status).toBe(404);
    }
  });

  test("of many that create one key at once through both exactly one wins", async () => {
    const both = client.clients;
    const more = [...both, ...(await connect()).clients, ...(await connect()).clients];
    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(
        more.map((client, index) =>
          client.send({
            method: "PUT",
            target: `/bkt/once-${round}`,
            headers: { "if-none-match": "*" },
            body: `${index}`.repeat(3_000),
          }),
        ),
      );
      const statuses = answers.map(({ status }) => status).toSorted((x, y) => x - y);
      expect(statuses).toEqual([200, ...Array.from({ length: more.length - 1 }, () => 412)]);
    }
  });

  test("buckets come and go, and uploads of many parts are made whole, whoever of them is asked", async () => {
    for (let round = 0; round < 4; round++) {
      expect((await client.send({ method: "PUT", target: `/c-${round}` })).status).toBe(200);
      expect((await client.send({ method: "HEAD", target: `/c-${round}` })).status).toBe(200);
      const begun = await client.send({ method: "POST", target: `/c-${round}/k?uploads` });
      const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(begun.body.toString())?.[1];
      const body = bodyOf(5 << 20);
      let parts = "";
      for (const number of [1, 2, 3]) {
        const target = `/c-${round}/k?partNumber=${number}&uploadId=${uploadId}`;
        const { headers } = await client.send({ method: "PUT", target, body });
        parts += `<Part><PartNumber>${number}</PartNumber><ETag>${headers.etag}</ETag></Part>`;
      }
      const completion = `<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`;
      const target = `/c-${round}/k?uploadId=${uploadId}`;
      expect((await client.send({ method: "POST", target, body: completion })).status).toBe(200);
      const read = await client.send({ method: "GET", target: `/c-${round}/k` });
      expect(md5(read.body)).toBe(md5(Buffer.concat([body, body, body])));
      expect((await client.send({ method: "DELETE", target: `/c-${round}` })).status).toBe(409);
      expect((await client.send({ method: "DELETE", target: `/c-${round}/k` })).status).toBe(204);
      expect((await client.send({ method: "DELETE", target: `/c-${round}` })).status).toBe(204);
      expect((await client.send({ method: "HEAD", target: `/c-${round}` })).status).toBe(404);
    }
  });

  test("each gives the figures of both, the status, and the health", async () => {
    const both = client.clients;
    const puts = 'kakera_s3_requests_total{operation="PutObject",code="200"}';
    const before = await metric(puts);
    for (const one of both) for (let count = 0; count < 5; count++) await put(one, "k", Buffer.from("x"));
    for (const one of both) {
      const status = await one.send({ method: "GET", target: "/kakera/admin/v1/status" });
      expect(JSON.parse(status.body.toString())).toMatchObject({ kind: "status" });
      expect((await one.send({ method: "GET", target: "/kakera/admin/v1/nothing" })).status).toBe(404);
    }
    for (let scrape = 0; scrape < 12; scrape++) {
      expect(await metric(puts)).toBe(before + 10);
      expect(await metric("kakera_processes")).toBe(2);
      expect((await fetch(`${server.endpoint}/health/ready`)).status).toBe(200);
    }
  });

  test("what one of them still reads is not collected, however long it takes", async () => {
    for (const [reader, remover] of [client.clients, client.clients.toReversed()] as [S3Client, S3Client][]) {
      const body = bodyOf(48 << 20);
      expect((await put(remover, "big", body)).status).toBe(200);
      const name = processOf(await get(reader, "nothing"));
      const before = await metric("kakera_garbage_shards_removed_total");
      const read = await beginRead("/bkt/big", name);
      expect((await remover.send({ method: "DELETE", target: "/bkt/big" })).status).toBe(204);
      for (let look = 0; look < 60; look++) {
        expect(await metric("kakera_garbage_shards_removed_total")).toBe(before);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(md5(await read.finish())).toBe(md5(body));
      await until("it is collected", async () => (await metric("kakera_garbage_shards_removed_total")) > before);
    }
  });

  test("another server on the same port is refused", async () => {
    const other = await spawnServer({ processes: 2, port: server.port });
    try {
      await expect(untilReady({ ...other, endpoint: "http://127.0.0.1:1" })).rejects.toThrow("PORT_BUSY");
    } finally {
      await other.dispose();
    }
  });
});

describe("a server in two processes of which one ends", () => {
  afterEach(end);

  test("one that is killed under load loses nothing, is started again, and the other one goes on", async () => {
    const client = await start();
    const loading = load(client.clients);
    for (let kill = 1; kill <= 2; kill++) {
      const { size } = loading.acknowledged;
      await until("more is acknowledged", () => loading.acknowledged.size >= size + 20);
      const counted = await metric('kakera_s3_requests_total{operation="PutObject",code="200"}');
      process.kill(siblingPid(), "SIGKILL");
      // A counter that falls would be taken for one that began anew.
      for (let scrape = 0; scrape < 5; scrape++)
        expect(await metric('kakera_s3_requests_total{operation="PutObject",code="200"}')).toBeGreaterThanOrEqual(
          counted,
        );
      await until("another one serves", () => {
        const text = server.output();
        return text.split('"process.serving"').length - 1 === kill + 1;
      });
    }
    await loading.stop();
    expect(loading.failedCount).toBeLessThan(10);
    expect(await metric("kakera_process_restarts_total")).toBe(2);
    const again = await connect();
    await expectAll(again, loading);
  });

  test("they all end with the first one, and a start after its death has everything", async () => {
    let client = await start();
    const { directory } = server;
    const all = { acknowledged: new Map<string, string>(), open: new Map<string, string>() };
    for (let kill = 0; kill < 2; kill++) {
      const loading = load(client.clients);
      await until("something is acknowledged", () => loading.acknowledged.size >= 20);
      const pid = siblingPid();
      await server.kill();
      await loading.stop().catch(() => {});
      await until("the other process has ended", () => !isRunning(pid));
      // The second load puts the first one's keys anew, and the kill leaves the last of them open.
      for (const [key, digest] of loading.acknowledged) {
        all.acknowledged.set(key, digest);
        all.open.delete(key);
      }
      for (const [key, digest] of loading.open) all.open.set(key, digest);
      server = await startServer({ processes: 2, env: quick, directory });
      client = await connect();
      await expectAll(client, all);
    }
  });

  test("one that stands still is given up: nothing of it counts, and another one takes its place", async () => {
    const client = await start();
    const pid = siblingPid();
    const loading = load(client.clients);
    await until("something is acknowledged", () => loading.acknowledged.size >= 20);
    process.kill(pid, "SIGSTOP");
    await until("it has ended", () => !isRunning(pid));
    await until("another one serves", async () => (await servingProcesses(server)) === 2);
    await loading.stop();
    expect(server.output()).toContain("process.given-up");
    await expectAll(await connect(), loading);
  });

  test("told to stop, both finish what they are at, and end", async () => {
    const client = await start();
    const body = bodyOf(20 << 20);
    await put(client, "k", body);
    const names = await Promise.all(client.clients.map(async (one) => processOf(await get(one, "nothing"))));
    const reads = await Promise.all(names.map((name) => beginRead("/bkt/k", name)));
    const pid = siblingPid();
    const stopped = server.stop();
    await until("it drains", () => server.output().includes("server.draining"));
    for (const read of reads) expect(md5(await read.finish())).toBe(md5(body));
    expect(await stopped).toBe(0);
    expect(isRunning(pid)).toBe(false);
  });
});

interface SlowRead {
  /** Reads the rest; all of it. */
  finish(): Promise<Buffer>;
}

/** A GET of which only the beginning is taken yet, by the process of that name. */
async function beginRead(target: string, name: string): Promise<SlowRead> {
  for (;;) {
    const response = await openRead(target);
    if (response.headers["x-amz-id-2"] === name) return { finish: () => collect(response) };
    response.destroy();
  }
}

function openRead(target: string): Promise<IncomingMessage> {
  const { hostname, port, host } = new URL(server.endpoint);
  const { headers } = signHeaders(
    { method: "GET", target, headers: { host, "x-amz-content-sha256": sha256Hex(Buffer.alloc(0)) } },
    testCredentials,
  );
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path: target, headers, agent: false }, resolve);
    request.once("error", reject);
    request.end();
  });
}

async function collect(response: IncomingMessage): Promise<Buffer> {
  const slices: Buffer[] = [];
  for await (const slice of response) slices.push(slice as Buffer);
  return Buffer.concat(slices);
}
