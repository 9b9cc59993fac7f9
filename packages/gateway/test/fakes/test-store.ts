import {
  createManualClock,
  createSeededRandom,
  idBytes,
  MIB,
  newId,
  silentLogger,
  silentMeter,
  type BucketId,
  type DriveId,
  type Geometry,
  type ManualClock,
  type Meter,
} from "@kakera/kernel";
import { createCodec, createSharedMemory } from "@kakera/erasure";
import { createMemoryLog, createMemoryView, keys, repairIdOf, type MemoryLog } from "@kakera/metadata";
import { chooseHomes } from "@kakera/placement";
import { records } from "@kakera/protocol";
import type { ShardFinding } from "@kakera/rpc";
import type { BodyOwner, BodySink, BodySource, WrittenBody } from "../../src/bodies.ts";
import { createBodies, type BodiesSettings, type BodyStore } from "../../src/create-bodies.ts";
import { MemoryShardDrive } from "./memory-shard-drive.ts";

export interface TestStore {
  readonly bodies: BodyStore;
  readonly drives: readonly MemoryShardDrive[];
  readonly log: MemoryLog;
  readonly clock: ManualClock;
  readonly findings: ShardFinding[];
  readonly counters: Map<string, number>;
  readonly freeMemoryBytes: () => number;
  readonly owner: BodyOwner;
  /** Puts the body's repair row into the log, as its commit would. */
  commit(body: WrittenBody): Promise<void>;
}

export interface TestStoreSettings {
  readonly geometry: Geometry;
  readonly driveCount?: number;
  readonly seed?: number;
  readonly memoryBytes?: number;
  readonly bodies?: Partial<BodiesSettings>;
}

const memoryBytesDefault = 96 * MIB;
const sharedMemories = new Map<number, ReturnType<typeof createSharedMemory>>();

/** Drives in memory, a log in memory, a clock that moves by hand, and Bodies over them. */
export async function createTestStore(settings: TestStoreSettings): Promise<TestStore> {
  const random = createSeededRandom(settings.seed ?? 1);
  const clock = createManualClock();
  const { geometry } = settings;
  const drives = Array.from(
    { length: settings.driveCount ?? geometry.k + geometry.m },
    () => new MemoryShardDrive(newId("drive", random), clock),
  );
  const log = createMemoryLog({ view: createMemoryView(), session: newId("session", random) });
  const put = async (puts: { key: Uint8Array; value: Uint8Array }[]): Promise<void> => {
    const compares = puts.map(({ key }) => ({ key, revision: log.view.get(key)?.revision ?? 0 }));
    await log.commit({ id: newId("change", random), purpose: "write", compares, puts, deletes: [] });
  };
  await put(
    formationRows(
      drives.map(({ driveId }) => driveId),
      geometry,
    ),
  );
  const memoryBytes = settings.memoryBytes ?? memoryBytesDefault;
  const memory = sharedMemories.get(memoryBytes) ?? createSharedMemory({ sizeBytes: memoryBytes });
  sharedMemories.set(memoryBytes, memory);
  const findings: ShardFinding[] = [];
  const counters = new Map<string, number>();
  const bodies = createBodies(
    {
      log,
      drives: new Map(drives.map((drive) => [drive.driveId, drive])),
      codec: createCodec(memory),
      memory,
      clock,
      random,
      logger: silentLogger,
      meter: countingMeter(counters),
      repairQueue: { report: (finding) => findings.push(finding) },
    },
    { inFlightBytesMax: Math.floor(memoryBytes * 0.75), budgetWaitMsMax: 10_000, ...settings.bodies },
  );
  const owner = {
    bucketId: newId("bucket", random) as BucketId,
    objectKey: Buffer.from("a/key"),
    inlineBytesMax: 1024,
  };
  return {
    bodies,
    drives,
    log,
    clock,
    findings,
    counters,
    owner,
    freeMemoryBytes: () => memory.freeBytes,
    async commit(body) {
      if (body.kind !== "chunks" || body.repair === null) return;
      const id = repairIdOf(Buffer.from(body.place.dataId as Uint8Array).toString("hex") as never);
      await put([{ key: keys.repair(id), value: records.RepairRecord.encode(body.repair).finish() }]);
    },
  };
}

function formationRows(driveIds: readonly DriveId[], geometry: Geometry): { key: Uint8Array; value: Uint8Array }[] {
  const groupCount = 16;
  const weights = driveIds.map((driveId) => ({ driveId, domain: driveId, weight: 1 }));
  const groups = Array.from({ length: groupCount }, (_, group) => {
    const homes = chooseHomes(group, weights, geometry.k + geometry.m).map((home) =>
      home === null ? new Uint8Array() : idBytes(home),
    );
    return { key: keys.group(1, group), value: records.GroupRecord.encode({ epoch: 1, homes }).finish() };
  });
  return [
    { key: keys.cluster(), value: records.ClusterRecord.encode({ drives: driveIds.map(idBytes) }).finish() },
    { key: keys.pool(1), value: records.PoolRecord.encode({ pool: 1, ...geometry, groupCount }).finish() },
    ...driveIds.map((driveId) => ({
      key: keys.drive(driveId),
      value: records.DriveRecord.encode({ driveId: idBytes(driveId), domain: driveId, weightBytes: 1 }).finish(),
    })),
    ...groups,
  ];
}

function countingMeter(counters: Map<string, number>): Meter {
  return {
    ...silentMeter,
    counter: ({ name }) => ({ add: (amount = 1) => void counters.set(name, (counters.get(name) ?? 0) + amount) }),
  };
}

/** Bytes that differ everywhere, so that no wrong place goes unseen. */
export function patternBytes(sizeBytes: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  let state = (seed * 2654435761) >>> 0;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    words[i] = state ^ (state >>> 15);
  }
  return Buffer.from(words.buffer, 0, sizeBytes);
}

/** A source of these bytes in slices that are spoiled as soon as the next one is pulled. */
export function sourceOf(
  bytes: Buffer,
  options: { sliceBytes?: number; length?: "known" | "unknown"; failAtEnd?: Error } = {},
): BodySource {
  const sliceBytes = options.sliceBytes ?? 65_536;
  let at = 0;
  let lent: Buffer | null = null;
  return {
    sizeBytes: options.length === "unknown" ? null : bytes.byteLength,
    async pull() {
      lent?.fill(0xdb);
      await Promise.resolve();
      if (at === bytes.byteLength) {
        if (options.failAtEnd !== undefined) throw options.failAtEnd;
        return null;
      }
      lent = Buffer.from(bytes.subarray(at, at + sliceBytes));
      at += lent.byteLength;
      return lent;
    },
  };
}

/** A sink that keeps what it was sent, taking each slice only after a while: after `delayMs` of the clock, if one is given. */
export function collectingSink(slow?: {
  readonly clock: ManualClock;
  readonly delayMs: number;
}): BodySink & { bytes(): Buffer } {
  const slices: Buffer[] = [];
  const takenLater = async (): Promise<void> => {
    if (slow === undefined) await new Promise((resolve) => setImmediate(resolve));
    else await new Promise<void>((resolve) => void slow.clock.setTimer(slow.delayMs, resolve));
  };
  return {
    async write(bytes) {
      await takenLater();
      slices.push(Buffer.from(bytes));
    },
    async writeTogether(pieces) {
      await takenLater();
      for (const bytes of pieces) slices.push(Buffer.from(bytes));
    },
    bytes: () => Buffer.concat(slices),
  };
}

/** Lets time pass, in steps, until the work is done; fails a test that would wait for ever. */
export async function underClock<T>(clock: ManualClock, work: Promise<T>, stepMs = 50): Promise<T> {
  let isSettled = false;
  const settled = work.finally(() => (isSettled = true));
  settled.catch(() => {});
  for (let step = 0; !isSettled && step < 4_000; step++) {
    for (let turn = 0; turn < 12 && !isSettled; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (!isSettled) clock.advance(stepMs);
  }
  if (!isSettled) throw new Error("the work never ends");
  return settled;
}
