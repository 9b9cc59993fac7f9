import { addToSeed, blockCount, blockSizeBytes, createCodec, shardDigest, shardSeed } from "@kakera/erasure";
import {
  createSeededRandom,
  newId,
  noFailpoints,
  silentLogger,
  silentMeter,
  systemClock,
  type BucketId,
  type Disk,
  type SessionId,
} from "@kakera/kernel";
import { createMemoryDisk } from "@kakera/disk";
import type { ShardDrive, ShardRef, ShardWrite } from "@kakera/rpc";
import {
  createMemoryStore,
  formatDrive,
  openDrive,
  type Drive,
  type DriveComponents,
  type DriveSettings,
  type OrderedStore,
} from "../src/index.ts";

const codec = createCodec({ memory: new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true }) });
export const random = createSeededRandom(1);
export const session = newId("session", random) as SessionId;
export const bucketId = newId("bucket", random) as BucketId;

/** Settings that make segments turn over within a test. */
export const smallSettings: DriveSettingsInput = { place: "/data1", segmentSizeBytes: 256 * 1024 };
export type DriveSettingsInput = Partial<DriveSettings> & Pick<DriveSettings, "place">;

export async function formattedDisk(): Promise<Disk> {
  const disk = createMemoryDisk();
  await format(disk);
  return disk;
}

export async function format(disk: Disk): Promise<void> {
  await formatDrive(disk, {
    clusterId: newId("cluster", random),
    driveId: newId("drive", random),
    deviceRelation: "parent-device",
  });
}

export function openTestDrive(
  disk: Disk,
  options: { settings?: Partial<DriveSettings>; components?: Partial<DriveComponents> } = {},
): Promise<Drive> {
  return openDrive(
    {
      disk,
      index: createMemoryStore(),
      clock: systemClock,
      random,
      logger: silentLogger,
      meter: silentMeter,
      failpoints: noFailpoints,
      ...options.components,
    },
    { ...smallSettings, ...options.settings },
  );
}

export interface ShardInput {
  readonly sizeBytes?: number;
  readonly ref?: ShardRef;
  readonly group?: number;
  readonly epoch?: number;
  readonly writeNumber?: number;
  readonly ownerKey?: string;
}

/** A shard with right checksums. */
export function makeShard(input: ShardInput = {}): ShardWrite {
  const ref = input.ref ?? { group: input.group ?? 7, dataId: newId("data", random), chunkIndex: 0, shardIndex: 0 };
  const pattern = Buffer.from(createSeededRandom(Number.parseInt(ref.dataId.slice(0, 8), 16)).bytes(251));
  const payload = Buffer.alloc(input.sizeBytes ?? 4096, pattern);
  const blockChecksums = checksumsOf(ref, payload);
  const digest = shardDigest(blockChecksums);
  return {
    identity: {
      ...ref,
      pool: 1,
      epoch: input.epoch ?? 3,
      k: 2,
      m: 1,
      session,
      writeNumber: input.writeNumber ?? 1,
      ownerBucketId: bucketId,
      ownerKey: Buffer.from(input.ownerKey ?? "photos/cat.jpg"),
    },
    chunkSizeBytes: payload.byteLength * 2,
    payload,
    blockChecksums,
    shardDigests: Buffer.concat([digest, digest, digest]),
  };
}

export function checksumsOf(ref: ShardRef, payload: Uint8Array): Buffer {
  const sums = Buffer.alloc(blockCount(payload.byteLength) * 8);
  const seed = shardSeed(ref.dataId, ref.chunkIndex, ref.shardIndex);
  for (let block = 0; block * blockSizeBytes < payload.byteLength; block++) {
    const bytes = payload.subarray(block * blockSizeBytes, (block + 1) * blockSizeBytes);
    sums.writeBigUInt64LE(codec.hash64(bytes, addToSeed(seed, block)), block * 8);
  }
  return sums;
}

/** An index that outlives its drive, as one does that survives a kill: `close` leaves it as it is. */
export function keptStore(): OrderedStore {
  const store = createMemoryStore();
  return {
    get: (key) => store.get(key),
    range: (from, until, limit) => store.range(from, until, limit),
    transact: (work) => store.transact(work),
    close: async () => {},
  };
}

export function refOf(shard: ShardWrite): ShardRef {
  const { group, dataId, chunkIndex, shardIndex } = shard.identity;
  return { group, dataId, chunkIndex, shardIndex };
}

/** The payload as a caller gets it: read, and every block verified. null: not here. "damaged": a block did not match. */
export async function readVerified(
  drive: ShardDrive,
  ref: ShardRef,
  sizeBytesMax = 256 * 1024,
): Promise<Buffer | null | "damaged"> {
  const into = Buffer.allocUnsafe(sizeBytesMax);
  const window = await drive.read(ref, { offsetBytes: 0, lengthBytes: sizeBytesMax }, into);
  if (window === null) return null;
  const payload = into.subarray(0, window.lengthBytes);
  return checksumsOf(ref, payload).equals(window.blockChecksums) ? payload : "damaged";
}

/** A drive keeps new records aside and stores them together; what lists shards lists them from the store. */
export async function storeAll(drive: Drive): Promise<void> {
  await drive.inventory({ group: null, after: null, limit: 1 });
}
