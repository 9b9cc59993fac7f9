import { hash } from "node:crypto";
import {
  assert,
  createManualClock,
  createSeededRandom,
  newId,
  noFailpoints,
  silentLogger,
  silentMeter,
  type ClusterId,
  type Disk,
  type DriveId,
  type Random,
} from "@kakera/kernel";
import type { ShardRef, ShardWrite } from "@kakera/rpc";
import { mortalDisks, type PowerCutRun, type PowerCutScenario } from "@kakera/simulator";
import { createMemoryStore, formatDrive, openDrive, type Drive } from "@kakera/storage-node";
import { readVerified, shardOf } from "./shards.ts";

const clientCount = 6;
const shardBytesMax = 12_000;
const ownFileBytesMin = 7_000;

export interface DriveWork {
  readonly seed: number;
  /** Of the process that serves the drive; all but the last end by SIGKILL. */
  readonly lifeCount: number;
  readonly stepsPerLife: number;
}

/** One drive: shards put, removed and put again by several clients at once, over segments that fill up, and processes that are killed. */
export function driveScenario(work: DriveWork): PowerCutScenario {
  const { seed } = work;
  return {
    seed,
    driveCount: 1,
    imagesPerPosition: 3,
    secondCutsPerImage: 1,
    prepare: async ([disk]) => {
      const random = createSeededRandom(seed);
      await formatDrive(disk as Disk, {
        clusterId: newId("cluster", random) as ClusterId,
        driveId: newId("drive", random) as DriveId,
        deviceRelation: "own-device",
      });
    },
    work: (run) => workDrive(run, work),
    examine: async ([disk]) => {
      const drive = await openOver(disk as Disk, createSeededRandom(seed + 1));
      const seen = await readAllShards(drive);
      await drive.close();
      return seen;
    },
  };
}

async function workDrive(run: PowerCutRun, { lifeCount, stepsPerLife }: DriveWork): Promise<void> {
  const refs = Array.from({ length: clientCount * 3 }, () => newRef(run.random));
  for (let life = 1; life <= lifeCount; life += 1) {
    const process = mortalDisks(run.disks);
    const drive = await openOver(process.disks[0] as Disk, run.random).catch(() => null);
    if (drive === null) {
      // A sync failed while it recovered; the operator starts it again.
      process.kill();
      await callsOutEnd();
      continue;
    }
    // What a process shows to its clients must survive the next power cut, though it read it from the page cache.
    const wrong = run.ledger.observe(await readAllShards(drive));
    assert(wrong.length === 0, `after a kill: ${wrong.join("; ")}`);
    const isLast = life === lifeCount;
    await runClients(run, { drive, refs, stepCount: stepsPerLife, goesOn: isLast });
    if (isLast) await drive.close().catch(() => {});
    else process.kill();
    await callsOutEnd();
  }
}

interface Clients {
  readonly drive: Drive;
  readonly refs: readonly ShardRef[];
  readonly stepCount: number;
  /** Whether the last calls are waited for; else they are out when it resolves. */
  readonly goesOn: boolean;
}

/** Resolves when all clients together have begun `stepCount` calls, or when the drive has failed. */
async function runClients({ ledger, random }: PowerCutRun, { drive, refs, stepCount, goesOn }: Clients): Promise<void> {
  let begunCount = 0;
  let end = (): void => {};
  const allBegun = new Promise<void>((resolve) => (end = resolve));
  const clients = Array.from({ length: clientCount }, async (_, client) => {
    const own = refs.slice(client * 3, client * 3 + 3);
    while (begunCount < stepCount) {
      begunCount += 1;
      if (begunCount === stepCount && !goesOn) end();
      const ref = own[Math.floor(random.fraction() * own.length)] as ShardRef;
      const isRemoval = random.fraction() < 0.3;
      const payload = payloadOf(ref);
      const intent = ledger.begin(nameOf(ref), isRemoval ? null : labelOf(payload));
      try {
        await (isRemoval ? drive.remove([ref]) : store(drive, shardOf(ref, payload)));
      } catch {
        // The drive has failed; whether the call was done is not known.
        return;
      }
      ledger.acknowledge(intent);
    }
  });
  await Promise.race([allBegun, Promise.all(clients)]);
}

/** Long shards go to files of their own. */
async function store(drive: Drive, shard: ShardWrite): Promise<void> {
  if (shard.payload.byteLength < ownFileBytesMin) return void (await drive.put(shard));
  const stream = await drive.begin(shard.identity);
  await stream.append(shard.payload, shard.blockChecksums);
  await stream.finish(shard);
}

/** A killed process is gone only when its calls have left the kernel; none takes longer than this. */
async function callsOutEnd(): Promise<void> {
  for (let turn = 0; turn < 1_000; turn += 1) await Promise.resolve();
}

function openOver(disk: Disk, random: Random): Promise<Drive> {
  return openDrive(
    {
      disk,
      index: createMemoryStore(),
      clock: createManualClock(),
      random,
      logger: silentLogger,
      meter: silentMeter,
      failpoints: noFailpoints,
    },
    { place: "drive1", segmentSizeBytes: 64 * 1024, ownFileBytesMin, directBytesMin: 12 * 1024 },
  );
}

/** Every shard that the drive says it has, read and verified to the last block. */
async function readAllShards(drive: Drive): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  const held = await drive.inventory({ group: null, after: null, limit: 10_000 });
  for (const { identity } of held) {
    const payload = await readVerified(drive, identity, shardBytesMax);
    seen.set(nameOf(identity), payload === null ? "listed and not found" : labelOf(payload));
  }
  return seen;
}

function newRef(random: Random): ShardRef {
  const group = Math.floor(random.fraction() * 3);
  return { group, dataId: newId("data", random), chunkIndex: 0, shardIndex: Math.floor(random.fraction() * 2) };
}

/** A shard is immutable: what it holds follows from its name. */
function payloadOf(ref: ShardRef): Uint8Array {
  const random = createSeededRandom(Number.parseInt(ref.dataId.slice(0, 8), 16));
  return random.bytes(1 + Math.floor(random.fraction() ** 2 * (shardBytesMax - 1)));
}

function nameOf(ref: ShardRef): string {
  return `${ref.group}/${ref.dataId}/${ref.chunkIndex}/${ref.shardIndex}`;
}

function labelOf(payload: Uint8Array): string {
  return `${payload.byteLength} bytes ${hash("sha1", payload, "hex").slice(0, 8)}`;
}
