/**
 * Durable appends of small shards through a drive (segments, group commit, index) beside one file for each object:
 * `node bench/drive-append.ts [DIRECTORY]`. Both keep 64 writes in flight, take turns (ABBA), and are shown as a ratio: the
 * machine's own speed drifts. A file for each object is written, fdatasync'ed, renamed, and its folder fsync'ed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNodeDisk } from "@kakera/disk";
import { addToSeed, blockCount, createCodec, createSharedMemory, shardDigest, shardSeed } from "@kakera/erasure";
import {
  createSystemRandom,
  newId,
  noFailpoints,
  silentLogger,
  silentMeter,
  systemClock,
  type BucketId,
  type Disk,
  type SessionId,
} from "@kakera/kernel";
import type { ShardWrite } from "@kakera/rpc";
import { formatDrive, openDrive, openLmdbStore } from "@kakera/storage-node";

const inFlight = 64;
const rounds = 3;
const secondsPerTurn = 2;
const payloadBytes = 4096;
const random = createSystemRandom();
const codec = createCodec(createSharedMemory({ sizeBytes: 1 << 20 }));
const session = newId("session", random) as SessionId;
const bucketId = newId("bucket", random) as BucketId;
const payload = Buffer.from(random.bytes(payloadBytes));

/** Runs `write` with so many in flight for one turn. Writes each second. */
async function rateOf(write: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  const endMs = startedMs + secondsPerTurn * 1000;
  let count = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < endMs) {
      await write();
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return (count / (performance.now() - startedMs)) * 1000;
}

function freshShard(): ShardWrite {
  const dataId = newId("data", random);
  const blockChecksums = Buffer.alloc(blockCount(payloadBytes) * 8);
  blockChecksums.writeBigUInt64LE(codec.hash64(payload, addToSeed(shardSeed(dataId, 0, 0), 0)), 0);
  const digest = shardDigest(blockChecksums);
  const ref = { group: dataId.charCodeAt(0), dataId, chunkIndex: 0, shardIndex: 0 };
  const owner = { ownerBucketId: bucketId, ownerKey: Buffer.from("bench/some-object-key") };
  return {
    identity: { ...ref, pool: 1, epoch: 1, k: 1, m: 2, session, writeNumber: 1, ...owner },
    chunkSizeBytes: payloadBytes,
    payload,
    blockChecksums,
    shardDigests: Buffer.concat([digest, digest, digest]),
  };
}

async function oneFile(disk: Disk, folder: string): Promise<void> {
  const name = newId("data", random);
  const file = await disk.open(`${folder}/.${name}`, { access: "create" });
  await file.write(payload, 0);
  await file.fdatasync();
  await file.close();
  await disk.rename(`${folder}/.${name}`, `${folder}/${name}`);
  await disk.syncDirectory(folder);
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

const root = mkdtempSync(join(process.argv[2] ?? tmpdir(), "kakera-append-"));
try {
  const disk = createNodeDisk(root);
  const driveId = newId("drive", random);
  await formatDrive(disk, { clusterId: newId("cluster", random), driveId, deviceRelation: "parent-device" });
  await disk.makeDirectory("objects");
  const index = await openLmdbStore({ directory: join(root, ".kakera/state/index"), lineage: driveId, bootId: null });
  const drive = await openDrive(
    { disk, index, clock: systemClock, random, logger: silentLogger, meter: silentMeter, failpoints: noFailpoints },
    { place: root },
  );
  const rates = { drive: [] as number[], files: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? (["drive", "files"] as const) : (["files", "drive"] as const);
    for (const kind of order) {
      const write = kind === "drive" ? () => drive.put(freshShard()).then(() => {}) : () => oneFile(disk, "objects");
      rates[kind].push(await rateOf(write));
    }
  }
  await drive.close();
  const [driveRate, fileRate] = [median(rates.drive), median(rates.files)];
  console.log(`drive            ${Math.round(driveRate)} durable 4 KiB appends/s at ${inFlight} in flight`);
  console.log(`file per object  ${Math.round(fileRate)}/s`);
  console.log(`ratio            ${(driveRate / fileRate).toFixed(1)}`);
} finally {
  rmSync(root, { recursive: true, force: true });
}
