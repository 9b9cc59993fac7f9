import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryDisk, createNodeDisk, faultyDisk } from "@kakera/disk";
import { createSeededRandom, MIB, silentMeter, type Disk } from "@kakera/kernel";
import type { ShardWrite } from "@kakera/rpc";
import { afterEach, describe, expect, it } from "vitest";
import { createMemoryStore, openLmdbStore, type Drive, type OrderedStore } from "../src/index.ts";
import { kindRange, keyKind, refKey } from "../src/index/index-keys.ts";
import { decodePlace } from "../src/index/index-values.ts";
import {
  format,
  formattedDisk,
  keptStore,
  makeShard,
  openTestDrive,
  readVerified,
  refOf,
  storeAll,
} from "./drive-kit.ts";

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "kakera-drive-"));
  folders.push(folder);
  return folder;
}

/** Where each live shard is, as the index has it. */
function liveEntries(store: OrderedStore): string[] {
  const { from, until } = kindRange(keyKind.live);
  return store.range(from, until, 100_000).map(([key, value]) => `${key.toString("hex")} ${value.toString("hex")}`);
}

/** Puts, removes, writes again, in segments and own files, with compactions in between. */
async function workOn(drive: Drive, seed: number): Promise<Map<ShardWrite, boolean>> {
  const random = createSeededRandom(seed);
  const shards = new Map<ShardWrite, boolean>();
  for (let step = 0; step < 120; step++) {
    const known = [...shards.keys()];
    const old = known[Math.floor(random.fraction() * known.length)];
    const dice = random.fraction();
    if (old === undefined || dice < 0.5) {
      const shard = makeShard({ sizeBytes: dice < 0.03 ? MIB : 1 + Math.floor(dice * 20_000), group: step % 3 });
      await drive.put(shard);
      shards.set(shard, true);
    } else if (dice < 0.8) {
      await drive.remove([refOf(old)]);
      shards.set(old, false);
    } else if (dice < 0.95) {
      await drive.put(old);
      shards.set(old, true);
    } else await drive.compact();
  }
  await drive.settled();
  return shards;
}

async function expectAll(drive: Drive, shards: Map<ShardWrite, boolean>): Promise<void> {
  for (const [shard, isLive] of shards) {
    const found = await readVerified(drive, refOf(shard), MIB);
    if (isLive) expect((found as Buffer).equals(shard.payload)).toBe(true);
    else expect(found).toBeNull();
  }
}

describe("the index of a drive", () => {
  it.each([1, 2, 3, 4, 5])("is rebuilt to what it was from tables and own files (seed %i)", async (seed) => {
    const disk = await formattedDisk();
    const store = createMemoryStore();
    const settings = { compaction: "manual", segmentSizeBytes: 100_000 } as const;
    const drive = await openTestDrive(disk, { settings, components: { index: store } });
    const shards = await workOn(drive, seed);
    await storeAll(drive);
    const before = liveEntries(store);
    const { shardCount } = drive.status();
    await drive.close();
    const rebuilt = createMemoryStore();
    const again = await openTestDrive(disk, { settings, components: { index: rebuilt } });
    await storeAll(again);
    expect(liveEntries(rebuilt)).toEqual(before);
    expect(again.status().shardCount).toBe(shardCount);
    await expectAll(again, shards);
  });

  it.each([6, 7, 8])("is rebuilt after a kill, with the last batch written again (seed %i)", async (seed) => {
    const disk = await formattedDisk();
    const settings = { compaction: "manual", segmentSizeBytes: 100_000 } as const;
    const drive = await openTestDrive(disk, { settings });
    const shards = await workOn(drive, seed);
    const again = await openTestDrive(disk, { settings });
    await expectAll(again, shards);
    expect(again.status().shardCount).toBe([...shards.values()].filter(Boolean).length);
  });

  it("that survived a kill is caught up with what was durable and not yet indexed", async () => {
    const directory = newFolder();
    const disk = createNodeDisk(directory);
    await format(disk);
    const openStore = (): Promise<OrderedStore> =>
      openLmdbStore({ directory: join(directory, ".kakera/state/index"), lineage: "one", bootId: "boot" });
    let isDead = false;
    const failpoints = {
      hit: (name: string): void => {
        if (name === "segment.before-index" && isDead) throw new Error("the process is dead");
      },
    };
    const store = await openStore();
    const drive = await openTestDrive(disk, { components: { index: store, failpoints } });
    const [indexed, notIndexed, own] = [makeShard(), makeShard(), makeShard({ sizeBytes: MIB })];
    await drive.put(indexed);
    await drive.put(own);
    isDead = true;
    await expect(drive.put(notIndexed)).rejects.toThrow("dead");
    expect(await readVerified(drive, refOf(notIndexed))).toBeNull();
    await store.close();
    const again = await openTestDrive(disk, { components: { index: await openStore() } });
    for (const shard of [indexed, notIndexed, own])
      expect(((await readVerified(again, refOf(shard), MIB)) as Buffer).equals(shard.payload)).toBe(true);
    expect(again.status().shardCount).toBe(3);
    await again.close();
  });

  it("reads no record again when everything was sealed", async () => {
    const disk = await formattedDisk();
    const store = keptStore();
    const drive = await openTestDrive(disk, { components: { index: store } });
    const shards = Array.from({ length: 50 }, () => makeShard({ sizeBytes: 9000 }));
    await Promise.all(shards.map((shard) => drive.put(shard)));
    await drive.close();
    let readBytes = 0;
    const counting = faultyDisk(disk, (call) => {
      if (call.operation === "read") readBytes += call.lengthBytes;
      return null;
    });
    const again = await openTestDrive(counting, { components: { index: store } });
    expect(readBytes).toBeLessThan(4096);
    expect(await readVerified(again, refOf(shards[9]!))).toEqual(shards[9]!.payload);
    readBytes = 0;
    await openTestDrive(counting);
    // From nothing: the tables, not the records.
    expect(readBytes).toBeLessThan(50 * 64 + 64 * 1024);
  });

  it("forgets what lay in a segment that is gone, so that it is written again", async () => {
    const disk = await formattedDisk();
    const store = keptStore();
    const drive = await openTestDrive(disk, {
      components: { index: store },
      settings: { segmentSizeBytes: 32_768 },
    });
    const shards = Array.from({ length: 12 }, () => makeShard({ sizeBytes: 9000 }));
    for (const shard of shards) await drive.put(shard);
    await drive.close();
    await disk.unlink(`segments/${(await disk.list("segments"))[0]!}`);
    const again = await openTestDrive(disk, { components: { index: store } });
    const found = await Promise.all(shards.map((shard) => readVerified(again, refOf(shard))));
    const missing = found.filter((payload) => payload === null).length;
    expect(missing).toBeGreaterThan(0);
    expect(again.status().shardCount).toBe(shards.length - missing);
    expect(await again.inventory({ group: null, after: null, limit: 100 })).toHaveLength(shards.length - missing);
  });
});

describe("a drive that is opened", () => {
  it("goes around blocks that the medium has lost, in a segment that was left open as in a table", async () => {
    for (const ending of ["killed", "closed"]) {
      const inner = await formattedDisk();
      const drive = await openTestDrive(inner);
      const shards = Array.from({ length: 8 }, () => makeShard({ sizeBytes: 3000 }));
      for (const shard of shards) await drive.put(shard);
      if (ending === "closed") await drive.close();
      const size = (await inner.stat(`segments/${(await inner.list("segments"))[0]!}`))!.sizeBytes;
      const bad = ending === "closed" ? size - 64 : 3 * 4096 + 100;
      const isBad = (at: number, length: number): boolean => at <= bad && bad < at + length;
      const disk = faultyDisk(inner, (call) =>
        call.operation === "read" && call.path.startsWith("segments/") && isBad(call.positionBytes, call.lengthBytes)
          ? { kind: "fail", code: "EIO" }
          : null,
      );
      const again = await openTestDrive(disk);
      const found = await Promise.all(shards.map((shard) => readVerified(again, refOf(shard)).catch(() => "damaged")));
      expect(found.filter((payload) => Buffer.isBuffer(payload)).length).toBeGreaterThanOrEqual(7);
      expect(again.status().condition).toBe("online");
    }
  });

  it("makes its folders again when they are missing", async () => {
    const disk = createMemoryDisk();
    await format(disk);
    const bare = createMemoryDisk();
    await bare.makeDirectory(".kakera");
    const [from, to] = [
      await disk.open(".kakera/identity", { access: "read" }),
      await bare.open(".kakera/identity", { access: "create" }),
    ];
    const bytes = Buffer.alloc(await from.sizeBytes());
    await from.read(bytes, 0);
    await to.write(bytes, 0);
    const drive = await openTestDrive(bare);
    await drive.put(makeShard());
    await drive.put(makeShard({ sizeBytes: MIB }));
  });

  it("closes the index that it was given when it cannot be opened", async () => {
    let isClosed = false;
    const index = { ...keptStore(), close: async () => void (isClosed = true) };
    await expect(openTestDrive(createMemoryDisk(), { components: { index } })).rejects.toThrow();
    expect(isClosed).toBe(true);
  });

  it("counts a damaged segment header, and reads the segment all the same", async () => {
    for (const ending of ["killed", "closed"]) {
      const disk = await formattedDisk();
      const drive = await openTestDrive(disk);
      const shard = makeShard();
      await drive.put(shard);
      await drive.put(makeShard());
      if (ending === "closed") await drive.close();
      const path = `segments/${(await disk.list("segments"))[0]!}`;
      await (await disk.open(path, { access: "write" })).write(Buffer.of(0xff), 41);
      let bitrotCount = 0;
      const meter = {
        ...silentMeter,
        counter: (spec: { name: string }) => ({ add: () => void (spec.name.includes("bitrot") && bitrotCount++) }),
      };
      const again = await openTestDrive(disk, { components: { meter } });
      expect(await readVerified(again, refOf(shard))).toEqual(shard.payload);
      expect(bitrotCount).toBe(1);
    }
  });

  it("numbers what it writes above all that the segment's header knows of, though its records are gone", async () => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk, { settings: { segmentSizeBytes: 16_384 } });
    const shards = Array.from({ length: 8 }, () => makeShard());
    for (const shard of shards) await drive.put(shard);
    const names = await disk.list("segments");
    const last = `segments/${names.at(-1)!}`;
    for (const name of names.slice(0, -1)) await disk.unlink(`segments/${name}`);
    await (await disk.open(last, { access: "write" })).write(Buffer.alloc(8192), 4096);
    const again = await openTestDrive(disk);
    const index = keptStore();
    await again.put(shards[0]!);
    await again.close();
    const third = await openTestDrive(disk, { components: { index } });
    expect(await readVerified(third, refOf(shards[0]!))).toEqual(shards[0]!.payload);
    expect(decodePlace(index.get(refKey(keyKind.live, refOf(shards[0]!)))!).sequence).toBeGreaterThanOrEqual(
      names.length,
    );
  });

  it("counts a gap between two batches as damage, and keeps what can be read in it", async () => {
    const disk = await formattedDisk();
    const drive = await openTestDrive(disk);
    const shards = Array.from({ length: 3 }, () => makeShard({ sizeBytes: 3000 }));
    for (const shard of shards) await drive.put(shard);
    const path = `segments/${(await disk.list("segments"))[0]!}`;
    // The header of the second batch: its record is found all the same.
    await (await disk.open(path, { access: "write" })).write(Buffer.alloc(64), 2 * 4096);
    let bitrotCount = 0;
    const meter = {
      ...silentMeter,
      counter: (spec: { name: string }) => ({ add: () => void (spec.name.includes("bitrot") && bitrotCount++) }),
    };
    const again = await openTestDrive(disk, { components: { meter } });
    for (const shard of shards) expect(await readVerified(again, refOf(shard))).toEqual(shard.payload);
    expect(bitrotCount).toBe(1);
  });
});

describe("a batch that was torn by a crash", () => {
  /** The disk of a drive whose last batch reached it only in part. */
  async function tornDisk(writtenBytes: number): Promise<{ disk: Disk; acknowledged: ShardWrite; torn: ShardWrite[] }> {
    const disk = createMemoryDisk();
    await format(disk);
    let isTearing = false;
    const tearing = faultyDisk(disk, (call) =>
      isTearing && call.operation === "write"
        ? { kind: "partial-write", lengthBytes: writtenBytes, code: "EIO" }
        : null,
    );
    const drive = await openTestDrive(tearing);
    const acknowledged = makeShard();
    await drive.put(acknowledged);
    isTearing = true;
    const torn = Array.from({ length: 4 }, () => makeShard({ sizeBytes: 3000 }));
    await Promise.allSettled(torn.map((shard) => drive.put(shard)));
    return { disk, acknowledged, torn };
  }

  it.each([0, 64, 200, 4096, 8192, 10_000, 12_000, 16_384])(
    "after %i bytes shows only whole records, and the next batches are right",
    async (writtenBytes) => {
      const { disk, acknowledged, torn } = await tornDisk(writtenBytes);
      const drive = await openTestDrive(disk);
      expect(await readVerified(drive, refOf(acknowledged))).toEqual(acknowledged.payload);
      const held = await drive.inventory({ group: null, after: null, limit: 10 });
      for (const { identity } of held) {
        const shard = [acknowledged, ...torn].find((one) => one.identity.dataId === identity.dataId)!;
        expect(await readVerified(drive, identity)).toEqual(shard.payload);
      }
      const later = makeShard();
      await drive.put(later);
      const again = await openTestDrive(disk);
      expect((await again.inventory({ group: null, after: null, limit: 10 })).length).toBe(held.length + 1);
      expect(await readVerified(again, refOf(later))).toEqual(later.payload);
    },
  );

  it("in the middle of a payload is not shown, though head and tail are there", async () => {
    const disk = createMemoryDisk();
    await format(disk);
    const drive = await openTestDrive(disk);
    const shard = makeShard({ sizeBytes: 20_000 });
    await drive.put(shard);
    const path = `segments/${(await disk.list("segments"))[0]!}`;
    const file = await disk.open(path, { access: "write" });
    await file.write(Buffer.alloc(4096), 12_288);
    const again = await openTestDrive(disk);
    expect(await again.describe(refOf(shard))).toBeNull();
  });

  it("is not trusted to the page cache: its records are written again before they are shown", async () => {
    const inner = await formattedDisk();
    const drive = await openTestDrive(inner);
    const shard = makeShard();
    await drive.put(shard);
    const before = await inner.list("segments");
    const written: string[] = [];
    const disk = faultyDisk(inner, (call) => {
      if (call.operation === "write" && call.path.startsWith("segments/")) written.push(call.path);
      return null;
    });
    const again = await openTestDrive(disk);
    const after = await inner.list("segments");
    expect(after).not.toEqual(before);
    expect(written).toContain(`segments/${after[0]}`);
    expect(await readVerified(again, refOf(shard))).toEqual(shard.payload);
  });
});
