/**
 * What a call to a drive of another node costs beside the same call in this process: `node bench/shard-calls.ts [DIRECTORY]`.
 * The node's server is a process of its own; both ends are on this machine, and their CPU is counted apart. "undici" and
 * "plain" post as many bytes to a bare server of node:http and take as many: without mac, header or drive. Turns are
 * interleaved, medians are shown: the machine's own speed drifts.
 */
import { fork } from "node:child_process";
import { createCipheriv, createHmac, createSecretKey, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNodeDisk } from "@kakera/disk";
import {
  addToSeed,
  blockCount,
  blockSizeBytes,
  createCodec,
  createSharedMemory,
  shardDigest,
  shardSeed,
} from "@kakera/erasure";
import {
  createSystemRandom,
  newId,
  noFailpoints,
  parseId,
  silentLogger,
  silentMeter,
  systemClock,
  type ClusterId,
  type DriveId,
} from "@kakera/kernel";
import {
  createNodeClient,
  createNodeServer,
  listenForCalls,
  type ByteSink,
  type ShardDrive,
  type ShardRef,
  type ShardWrite,
} from "@kakera/rpc";
import { createMemoryStore, formatDrive, openDrive } from "@kakera/storage-node";
import { Pool } from "undici";
import { httpConnect } from "../packages/rpc/src/client/drivers/http-connection.ts";

const secret = "bench";
const random = createSystemRandom();
const sizesBytes = { small: 4096, middle: 256 * 1024, large: 1024 * 1024 };
const rounds = 3;
const secondsPerTurn = 1.5;
const memory = createSharedMemory({ sizeBytes: 128 << 20 });
const codec = createCodec(memory);

/** Drive, node server and bare server in a process of their own; answers "cpu" with what it has used. */
async function serve(directory: string): Promise<void> {
  const drive = await openBenchDrive(directory);
  const clusterId = newId("cluster", random);
  const seams = { clock: systemClock, random, logger: silentLogger, meter: silentMeter };
  const drives = new Map<DriveId, ShardDrive>([[drive.driveId, drive]]);
  const server = createNodeServer(
    { drives, archiveDisks: new Map(), ...seams },
    { secret, clusterId, nodeId: "bench", version: "0" },
  );
  const { port } = await listenForCalls(server, { host: "127.0.0.1", port: 0 });
  const answers = new Map(Object.values(sizesBytes).map((size) => [String(size), Buffer.alloc(size)]));
  const bare = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    request.resume();
    request.once("end", () => {
      const body = answers.get(request.url!.slice(1)) ?? Buffer.alloc(0);
      response.writeHead(200, { "content-length": body.byteLength });
      response.end(body);
    });
  });
  bare.listen(0, "127.0.0.1");
  await once(bare, "listening");
  process.once("disconnect", () => process.exit());
  process.on("message", () => process.send!({ cpu: process.cpuUsage() }));
  process.send!({ port, barePort: (bare.address() as AddressInfo).port, clusterId, driveId: drive.driveId });
}

async function openBenchDrive(directory: string): ReturnType<typeof openDrive> {
  const disk = createNodeDisk(directory);
  const driveId = newId("drive", random);
  await formatDrive(disk, { clusterId: newId("cluster", random), driveId, deviceRelation: "parent-device" });
  const seams = { clock: systemClock, random, logger: silentLogger, meter: silentMeter, failpoints: noFailpoints };
  return openDrive({ disk, index: createMemoryStore(), ...seams }, { place: directory });
}

function makeShard(sizeBytes: number): ShardWrite {
  const dataId = newId("data", random);
  const payload = Buffer.alloc(sizeBytes, 7);
  const blockChecksums = Buffer.alloc(blockCount(sizeBytes) * 8);
  const seed = shardSeed(dataId, 0, 0);
  for (let block = 0; block < blockCount(sizeBytes); block++) {
    const bytes = payload.subarray(block * blockSizeBytes, (block + 1) * blockSizeBytes);
    blockChecksums.writeBigUInt64LE(codec.hash64(bytes, addToSeed(seed, block)), block * 8);
  }
  const digest = shardDigest(blockChecksums);
  const owner = { ownerBucketId: newId("bucket", random), ownerKey: Buffer.from("bench/some-object-key") };
  const ref = { group: 1, dataId, chunkIndex: 0, shardIndex: 0 };
  const session = newId("session", random);
  return {
    identity: { ...ref, pool: 1, epoch: 1, k: 2, m: 1, session, writeNumber: 1, ...owner },
    chunkSizeBytes: sizeBytes,
    payload,
    blockChecksums,
    shardDigests: Buffer.concat([digest, digest, digest]),
  };
}

interface Turn {
  readonly callsPerSecond: number;
  readonly clientUs: number;
  readonly serverUs: number;
}

type Cpu = () => Promise<NodeJS.CpuUsage>;

async function turn(inFlight: number, call: (lane: number) => Promise<unknown>, serverCpu: Cpu): Promise<Turn> {
  const [before, cpuBefore] = [await serverCpu(), process.cpuUsage()];
  const startedMs = performance.now();
  const endMs = startedMs + secondsPerTurn * 1000;
  let count = 0;
  const lane = async (index: number): Promise<void> => {
    while (performance.now() < endMs) {
      await call(index);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, index) => lane(index)));
  const elapsedMs = performance.now() - startedMs;
  const own = process.cpuUsage(cpuBefore);
  const after = await serverCpu();
  const serverUs = after.user + after.system - before.user - before.system;
  return {
    callsPerSecond: (count / elapsedMs) * 1000,
    clientUs: (own.user + own.system) / count,
    serverUs: serverUs / count,
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

function macUs(sizeBytes: number, kind: "gmac" | "hmac"): number {
  const key = createSecretKey(randomBytes(32));
  const bytes = Buffer.alloc(sizeBytes, 3);
  const once_ = (): Buffer => {
    if (kind === "hmac") return createHmac("sha256", key).update(bytes).digest();
    const cipher = createCipheriv("aes-256-gcm", key, Buffer.alloc(12));
    cipher.setAAD(bytes);
    cipher.final();
    return cipher.getAuthTag();
  };
  const count = Math.max(50, Math.min(20_000, Math.floor(1e8 / sizeBytes)));
  const startedMs = performance.now();
  for (let index = 0; index < count; index++) once_();
  return ((performance.now() - startedMs) * 1000) / count;
}

async function measure(directory: string): Promise<void> {
  const child = fork(import.meta.filename, ["--serve", mkdtempSync(join(directory, "node-"))]);
  const [facts] = (await once(child, "message")) as [Record<string, string | number>];
  const serverCpu: Cpu = async () => {
    child.send("cpu");
    const [answer] = (await once(child, "message")) as [{ cpu: NodeJS.CpuUsage }];
    return answer.cpu;
  };
  const noCpu: Cpu = async () => ({ user: 0, system: 0 });
  const local = await openBenchDrive(mkdtempSync(join(directory, "local-")));
  const clusterId = parseId("cluster", String(facts["clusterId"])) as ClusterId;
  const address = { host: "127.0.0.1", port: Number(facts["port"]) };
  const seams = { clock: systemClock, random, logger: silentLogger, meter: silentMeter };
  const client = createNodeClient(seams, { address, secret, clusterId });
  await client.refresh();
  const remote = client.drive(parseId("drive", String(facts["driveId"])) as DriveId);
  const undici = new Pool(`http://127.0.0.1:${facts["barePort"]}`, { connections: 64, pipelining: 1 });
  const buffers = Array.from({ length: 64 }, () => Buffer.alloc(sizesBytes.large));
  const dispatch = (lane: number, path: string, body: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      let at = 0;
      undici.dispatch(
        { path, method: "POST", body, headers: ["content-length", String(body.byteLength)] },
        {
          onRequestStart: () => {},
          onResponseStart: () => {},
          onResponseData: (_controller, chunk) => {
            buffers[lane]!.set(chunk, at);
            at += chunk.byteLength;
          },
          onResponseEnd: () => resolve(),
          onResponseError: (_controller, error) => reject(error),
        },
      );
    });

  const connect = httpConnect({
    address: { host: "127.0.0.1", port: Number(facts["barePort"]) },
    connectDeadlineMs: 5000,
    clock: systemClock,
  });
  const plain = await Promise.all(buffers.map(() => connect()));
  const exchange = (lane: number, path: string, body: Buffer): Promise<number> => {
    let at = 0;
    const sink: ByteSink = {
      push(chunk) {
        buffers[lane]!.set(chunk, at);
        at += chunk.byteLength;
      },
      room: () => buffers[lane]!.subarray(at),
      placed: (placedBytes) => void (at += placedBytes),
    };
    return plain[lane]!.exchange(path, [body], sink);
  };

  const rows: {
    name: string;
    sizeBytes: number;
    inFlight: number;
    call: (lane: number) => Promise<unknown>;
    cpu: Cpu;
  }[] = [];
  for (const sizeBytes of Object.values(sizesBytes)) {
    const inFlight = sizeBytes > 100_000 ? 4 : 32;
    const shard = makeShard(sizeBytes);
    await Promise.all([remote.put(shard), local.put(shard)]);
    const ref: ShardRef = shard.identity;
    const window = { offsetBytes: 0, lengthBytes: sizeBytes };
    const into = (lane: number): Buffer => buffers[lane]!.subarray(0, sizeBytes);
    rows.push(
      {
        name: "read  in process",
        sizeBytes,
        inFlight,
        cpu: noCpu,
        call: (lane) => local.read(ref, window, into(lane)),
      },
      {
        name: "read  remote",
        sizeBytes,
        inFlight,
        cpu: serverCpu,
        call: (lane) => remote.read(ref, window, into(lane)),
      },
      {
        name: "get   undici, bare",
        sizeBytes,
        inFlight,
        cpu: serverCpu,
        call: (lane) => dispatch(lane, `/${sizeBytes}`, Buffer.alloc(200)),
      },
      {
        name: "get   plain, bare",
        sizeBytes,
        inFlight,
        cpu: serverCpu,
        call: (lane) => exchange(lane, `/${sizeBytes}`, Buffer.alloc(200)),
      },
    );
    if (sizeBytes === sizesBytes.large) continue;
    const fresh = (): ShardWrite => ({ ...shard, identity: { ...shard.identity, dataId: newId("data", random) } });
    rows.push(
      { name: "put   in process", sizeBytes, inFlight, cpu: noCpu, call: () => local.put(fresh()) },
      { name: "put   remote", sizeBytes, inFlight, cpu: serverCpu, call: () => remote.put(fresh()) },
      {
        name: "post  undici, bare",
        sizeBytes,
        inFlight,
        cpu: serverCpu,
        call: (lane) => dispatch(lane, "/0", shard.payload as Buffer),
      },
      {
        name: "post  plain, bare",
        sizeBytes,
        inFlight,
        cpu: serverCpu,
        call: (lane) => exchange(lane, "/0", shard.payload as Buffer),
      },
    );
  }
  const results = new Map(rows.map((row) => [row, [] as Turn[]]));
  for (let round = 0; round < rounds; round++) {
    for (const row of round % 2 === 0 ? rows : rows.toReversed())
      results.get(row)!.push(await turn(row.inFlight, row.call, row.cpu));
  }
  console.log(
    "call                     bytes  in flight    calls/s     MiB/s   client us   server us  (CPU for each call)",
  );
  for (const [{ name, sizeBytes, inFlight }, turns] of results) {
    const [rate, own, server] = (["callsPerSecond", "clientUs", "serverUs"] as const).map((key) =>
      median(turns.map((one) => one[key])),
    );
    const mibPerSecond = (rate! * sizeBytes) / 2 ** 20;
    console.log(
      `${name.padEnd(20)} ${String(sizeBytes).padStart(9)} ${String(inFlight).padStart(10)} ${rate!.toFixed(0).padStart(10)}` +
        ` ${mibPerSecond.toFixed(0).padStart(9)} ${own!.toFixed(0).padStart(11)} ${server!.toFixed(0).padStart(11)}`,
    );
  }
  for (const sizeBytes of [200, ...Object.values(sizesBytes)])
    console.log(
      `mac of ${sizeBytes} bytes: GMAC ${macUs(sizeBytes, "gmac").toFixed(1)} us, HMAC-SHA-256 ${macUs(sizeBytes, "hmac").toFixed(1)} us`,
    );
  client.close();
  for (const connection of plain) connection.destroy();
  await undici.close();
  await local.close();
  child.kill();
}

if (process.argv[2] === "--serve") await serve(process.argv[3]!);
else {
  const root = mkdtempSync(join(process.argv[2] ?? tmpdir(), "kakera-calls-"));
  try {
    await measure(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
