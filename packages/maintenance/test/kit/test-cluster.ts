import {
  createManualClock,
  createSeededRandom,
  idBytes,
  idFromBytes,
  MIB,
  newId,
  noFailpoints,
  silentLogger,
  silentMeter,
  type BucketId,
  type DataId,
  type Disk,
  type DriveId,
  type Geometry,
  type ManualClock,
  type Meter,
  type SessionId,
} from "@kakera/kernel";
import { createMemoryDisk } from "@kakera/disk";
import { createCodec, createSharedMemory } from "@kakera/erasure";
import {
  createBodies,
  createBodyCopier,
  type StoredBody,
  type WatchedBodyStore,
  type WrittenBody,
} from "@kakera/gateway";
import {
  createBucket,
  createMemoryLog,
  createMemoryView,
  deleteObject,
  keys,
  putObject,
  readBucket,
  readClusterMap,
  readObject,
  repairKeysOf,
  type Author,
  type Change,
  type ClusterMap,
  type MemoryLog,
} from "@kakera/metadata";
import { chooseHomes } from "@kakera/placement";
import { records } from "@kakera/protocol";
import type { ShardDescription, ShardRef } from "@kakera/rpc";
import { createMemoryStore, formatDrive, openDrive } from "@kakera/storage-node";
import { createMaintenance, type Maintenance, type MaintenanceSettings } from "../../src/index.ts";
import { createMaintenanceMetrics } from "../../src/metrics.ts";
import { createMemoryPositions } from "../../src/ports/scrub-positions.ts";
import { RepairBacklog } from "../../src/repair/repair-backlog.ts";
import type { MoveParts } from "../../src/moves/move-group.ts";
import { switchedDrive, type SwitchedDrive } from "./switched-drive.ts";

export const bucketName = "bucket";

/** Real drives on disks in memory, the gateway's data path over them, and what maintenance works with. */
export interface TestCluster {
  readonly log: MemoryLog;
  readonly map: ClusterMap;
  readonly drives: readonly SwitchedDrive[];
  readonly disks: readonly Disk[];
  readonly bodies: WatchedBodyStore;
  readonly clock: ManualClock;
  readonly parts: MoveParts;
  readonly author: Author;
  readonly bucketId: BucketId;
  readonly counters: Map<string, number>;
  readonly gauges: Map<string, number>;
  freeMemoryBytes(): number;
  /** Writes a body without committing a record. */
  write(key: string, bytes: Buffer): Promise<WrittenBody>;
  /** A whole PUT. Returns the body's id. */
  put(key: string, bytes: Buffer): Promise<DataId>;
  read(key: string): Promise<Buffer>;
  remove(key: string): Promise<void>;
  commit(change: Change): Promise<void>;
  /** Lets time pass until the work is done. */
  run<T>(work: Promise<T>, stepMs?: number): Promise<T>;
}

export interface ClusterSettings {
  readonly geometry: Geometry;
  readonly driveCount?: number;
  readonly seed?: number;
  /** The session that writes; others are gone. Default: the log's. */
  readonly goneSessions?: ReadonlySet<SessionId>;
}

const groupCount = 8;
const memory = createSharedMemory({ sizeBytes: 96 * MIB });
const codec = createCodec(memory);
const never = new AbortController().signal;

export async function createTestCluster(settings: ClusterSettings): Promise<TestCluster> {
  const random = createSeededRandom(settings.seed ?? 1);
  const clock = createManualClock();
  const { geometry } = settings;
  const disks = Array.from({ length: settings.driveCount ?? geometry.k + geometry.m }, () => createMemoryDisk());
  const drives: SwitchedDrive[] = [];
  for (const [i, disk] of disks.entries())
    drives.push(await openTestDrive(disk, { clock, random, place: `/data${i + 1}` }));
  const log = createMemoryLog({ view: createMemoryView(), session: newId("session", random) });
  const author: Author = { random, session: log.session };
  const commit = async (change: Change): Promise<void> => {
    const result = await log.commit(change);
    if (result.outcome !== "committed") throw new Error("the change was refused");
  };
  await commit(
    formation(
      drives.map(({ driveId }) => driveId),
      geometry,
      author,
    ),
  );
  const bucket = createBucket(author, bucketName, { createdMs: clock.nowMs() });
  await commit(bucket.change);
  const driveMap = new Map(drives.map((drive) => [drive.driveId, drive]));
  const counters = new Map<string, number>();
  const gauges = new Map<string, number>();
  const meter = recordingMeter(counters, gauges);
  const backlog = new RepairBacklog({ clock, onDamage: () => {} }, { itemsMax: 1_000 });
  const bodies = createBodies(
    { log, drives: driveMap, codec, memory, clock, random, logger: silentLogger, meter, repairQueue: backlog },
    { inFlightBytesMax: 64 * MIB, budgetWaitMsMax: 10_000 },
  );
  const map = readClusterMap(log.view);
  const parts: MoveParts = {
    log,
    map,
    codec,
    memory,
    clock,
    random,
    backlog,
    drives: driveMap,
    logger: silentLogger,
    metrics: createMaintenanceMetrics(meter),
    sessions: { floorOf: (session) => (session === log.session ? bodies.writeFloor : Infinity) },
    reads: bodies.reads,
    writes: bodies.writes,
    positions: createMemoryPositions(),
    failpoints: noFailpoints,
    pace: () => Promise.resolve(),
    movePace: () => Promise.resolve(),
  };
  const run = <T>(work: Promise<T>, stepMs = 50): Promise<T> => underClock(clock, work, stepMs);
  const write = (key: string, bytes: Buffer): Promise<WrittenBody> =>
    run(
      bodies.write(
        sourceOf(bytes),
        { bucketId: bucket.bucketId, objectKey: Buffer.from(key), inlineBytesMax: 100 },
        never,
      ),
    );
  return {
    log,
    map,
    drives,
    disks,
    bodies,
    clock,
    parts,
    author,
    counters,
    gauges,
    commit,
    run,
    write,
    bucketId: bucket.bucketId,
    freeMemoryBytes: () => memory.freeBytes,
    async put(key, bytes) {
      const body = await write(key, bytes);
      await commit(putChange({ log, author, bucketId: bucket.bucketId }, key, body));
      bodies.settle([body]);
      return dataIdOf(body);
    },
    async read(key) {
      const object = readObject(log.view, bucket.bucketId, Buffer.from(key));
      if (!object?.record.body) throw new Error("there is no such object");
      const body: StoredBody = { kind: "chunks", place: object.record.body, sizeBytes: object.record.sizeBytes };
      const slices: Buffer[] = [];
      const sink = { write: async (bytes: Buffer): Promise<void> => void slices.push(Buffer.from(bytes)) };
      await run(bodies.read([body], { offsetBytes: 0, lengthBytes: body.sizeBytes }, sink, never));
      return Buffer.concat(slices);
    },
    async remove(key) {
      const objectKey = Buffer.from(key);
      const object = readObject(log.view, bucket.bucketId, objectKey);
      if (object === null) throw new Error("there is no such object");
      await commit(
        deleteObject(author, bucket.bucketId, {
          key: keys.current(bucket.bucketId, objectKey),
          object,
          repairs: repairKeysOf(log.view, object.record),
        }),
      );
    },
  };
}

/** The commit of a PUT. */
export function putChange(
  { log, author, bucketId }: Pick<TestCluster, "log" | "author" | "bucketId">,
  key: string,
  written: WrittenBody,
): Change {
  const bucket = readBucket(log.view, bucketName);
  if (bucket === null || written.kind !== "chunks") throw new Error("the bucket is there, and the body on drives");
  const objectKey = Buffer.from(key);
  const replaced = readObject(log.view, bucketId, objectKey);
  return putObject(author, {
    bucketName,
    bucket,
    objectKey,
    replaced,
    content: { sizeBytes: written.sizeBytes, body: written.place as never },
    repairs: written.repair === null ? [] : [written.repair],
    replacedRepairs: replaced === null ? [] : repairKeysOf(log.view, replaced.record),
  });
}

export function dataIdOf(body: WrittenBody): DataId {
  if (body.kind !== "chunks") throw new Error("the body is on drives");
  return idFromBytes("data", body.place.dataId as Uint8Array);
}

/** Everything that a drive holds. */
export async function shardsOn(drive: SwitchedDrive): Promise<ShardDescription[]> {
  return drive.drive.inventory({ group: null, after: null, limit: 10_000 });
}

/** The shards of one body, wherever they are. */
export async function shardsOf(cluster: TestCluster, dataId: DataId): Promise<{ driveIndex: number; ref: ShardRef }[]> {
  const found: { driveIndex: number; ref: ShardRef }[] = [];
  for (const [driveIndex, drive] of cluster.drives.entries()) {
    for (const { identity } of await shardsOn(drive))
      if (identity.dataId === dataId) found.push({ driveIndex, ref: identity });
  }
  return found;
}

/** Flips one byte of a shard's payload on its disk. */
export async function damage(cluster: TestCluster, at: { driveIndex: number; ref: ShardRef }): Promise<void> {
  const { drive } = cluster.drives[at.driveIndex] as SwitchedDrive;
  const sample = Buffer.alloc(64);
  await drive.read(at.ref, { offsetBytes: 0, lengthBytes: 64 }, sample);
  const disk = cluster.disks[at.driveIndex] as Disk;
  for (const path of await filesUnder(disk, "")) {
    const sizeBytes = (await disk.stat(path))?.sizeBytes ?? 0;
    const file = await disk.open(path, { access: "write" });
    const bytes = Buffer.alloc(sizeBytes);
    await file.read(bytes, 0);
    const found = bytes.indexOf(sample);
    if (found >= 0) await file.write(Buffer.of(bytes[found + 10]! ^ 0xff), found + 10);
    await file.close();
    if (found >= 0) return;
  }
  throw new Error("the shard's bytes were not found on the disk");
}

async function filesUnder(disk: Disk, folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const name of await disk.list(folder)) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if ((await disk.stat(path))?.isDirectory === true) paths.push(...(await filesUnder(disk, path)));
    else if (!path.startsWith(".")) paths.push(path);
  }
  return paths;
}

async function openTestDrive(
  disk: Disk,
  parts: { clock: ManualClock; random: ReturnType<typeof createSeededRandom>; place: string },
): Promise<SwitchedDrive> {
  const { clock, random, place } = parts;
  await formatDrive(disk, {
    clusterId: newId("cluster", random),
    driveId: newId("drive", random),
    deviceRelation: "own-device",
  });
  const components = {
    disk,
    index: createMemoryStore(),
    clock,
    random,
    logger: silentLogger,
    meter: silentMeter,
    failpoints: noFailpoints,
  };
  return switchedDrive(await openDrive(components, { place, segmentSizeBytes: 4 * MIB }));
}

function formation(driveIds: readonly DriveId[], geometry: Geometry, author: Author): Change {
  const weights = driveIds.map((driveId) => ({ driveId, domain: driveId, weight: 1 }));
  const groups = Array.from({ length: groupCount }, (_, group) => {
    const homes = chooseHomes(group, weights, geometry.k + geometry.m).map((home) =>
      home === null ? new Uint8Array() : idBytes(home),
    );
    return { key: keys.group(1, group), value: records.GroupRecord.encode({ epoch: 1, homes }).finish() };
  });
  const drives = driveIds.map((driveId) => ({
    key: keys.drive(driveId),
    value: records.DriveRecord.encode({ driveId: idBytes(driveId), domain: driveId, weightBytes: 1 }).finish(),
  }));
  const puts = [
    { key: keys.cluster(), value: records.ClusterRecord.encode({ drives: driveIds.map(idBytes) }).finish() },
    { key: keys.pool(1), value: records.PoolRecord.encode({ pool: 1, ...geometry, groupCount }).finish() },
    ...drives,
    ...groups,
  ];
  return {
    id: newId("change", author.random),
    purpose: "write",
    compares: puts.map(({ key }) => ({ key, revision: 0 })),
    puts,
    deletes: [],
  };
}

function recordingMeter(counters: Map<string, number>, gauges: Map<string, number>): Meter {
  const named = (name: string, labels?: Readonly<Record<string, string>>): string =>
    [name, ...Object.values(labels ?? {})].join(" ");
  return {
    ...silentMeter,
    counter: ({ name }) => ({ add: (amount = 1) => void counters.set(name, (counters.get(name) ?? 0) + amount) }),
    gauge: ({ name }) => ({
      set: (value, labels) => void gauges.set(named(name, labels), value),
      remove: (labels) => void gauges.delete(named(name, labels)),
    }),
  };
}

function sourceOf(bytes: Buffer) {
  let at = 0;
  return {
    sizeBytes: bytes.byteLength,
    async pull(): Promise<Buffer | null> {
      if (at === bytes.byteLength) return null;
      const slice = Buffer.from(bytes.subarray(at, at + 65_536));
      at += slice.byteLength;
      return slice;
    },
  };
}

/** The loops over a cluster, not yet started. */
export function maintenanceOf(
  cluster: TestCluster,
  settings: Partial<MaintenanceSettings>,
  onBug: (bug: unknown) => void,
): Maintenance {
  const { log, codec, memory, clock, random, drives, sessions, reads, writes } = cluster.parts;
  const copier = createBodyCopier(cluster.bodies);
  const components = { log, codec, memory, clock, random, drives, sessions, reads, writes, copier };
  return createMaintenance({ ...components, logger: silentLogger, meter: silentMeter, onBug }, settings);
}

export function patternBytes(sizeBytes: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < sizeBytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

async function underClock<T>(clock: ManualClock, work: Promise<T>, stepMs: number): Promise<T> {
  let isSettled = false;
  const settled = work.finally(() => (isSettled = true));
  settled.catch(() => {});
  for (let step = 0; !isSettled && step < 20_000; step++) {
    for (let turn = 0; turn < 6 && !isSettled; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (!isSettled) clock.advance(stepMs);
  }
  if (!isSettled) throw new Error("the work never ends");
  return settled;
}
