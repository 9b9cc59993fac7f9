import { createCrashWorld, createMemoryDisk, freshDrives } from "@kakera/disk";
import { createManualClock, createSeededRandom, sleep, type Clock, type Disk } from "@kakera/kernel";
import {
  createStoreMemory,
  formStore,
  hastyMaintenance,
  openStore,
  smallStore,
  startPumpedClock,
  type Store,
  type StoreFormation,
  type StoreSettings,
} from "@kakera/simulator";
import { describe, expect, it } from "vitest";

const memory = createStoreMemory();
/** In the journal, as copies, in segments, in files of their own. */
const sizes = [0, 1, 200, 201, 1_500, 1_501, 5_999, 6_001, 14_000];

describe("the store of one machine in small", () => {
  it("gives back what was put, also after it was opened again, and not what was deleted", async () => {
    const { disks, formation } = await formed();
    const store = await opened(disks, formation);
    for (const size of sizes) await store.put(`o${size}`, body(size, 1));
    for (const size of sizes) expect(await store.read(`o${size}`)).toEqual(body(size, 1));
    await store.put("o6001", body(700, 2));
    await store.delete("o200");
    await store.delete("never there");
    await store.checkpoint();
    await store.close();

    const again = await opened(disks, formation);
    expect(await again.keys()).toEqual(
      sizes
        .filter((size) => size !== 200)
        .map((size) => `o${size}`)
        .sort(),
    );
    expect(await again.read("o200")).toBeNull();
    expect(await again.read("o6001")).toEqual(body(700, 2));
    expect(await again.read("o14000")).toEqual(body(14_000, 1));
    await again.close();
  });

  it("reads everything without any one of its drives", async () => {
    const { disks, formation } = await formed();
    const store = await opened(disks, formation);
    for (const size of sizes) await store.put(`o${size}`, body(size, 3));
    await store.close();
    for (let absent = 0; absent < disks.length; absent += 1) {
      const present = disks.map((disk, index) => (index === absent ? null : disk));
      const short = await opened(present, formation);
      for (const size of sizes) expect(await short.read(`o${size}`)).toEqual(body(size, 3));
      await short.close();
    }
  });

  it("frees the shards of what was overwritten and deleted once maintenance runs, and no others", async () => {
    const { disks, formation } = await formed();
    const { clock, stop } = startPumpedClock();
    try {
      const store = await opened(disks, formation, { clock, maintenance: hastyMaintenance });
      for (const size of sizes) await store.put(`o${size}`, body(size, 4));
      const heldOnce = shardCount(store);
      for (const size of sizes) await store.put(`o${size}`, body(size, 5));
      expect(shardCount(store)).toBeGreaterThan(heldOnce);
      await sleep(clock, 200);
      expect(shardCount(store)).toBe(heldOnce);
      for (const size of sizes) expect(await store.read(`o${size}`)).toEqual(body(size, 5));
      for (const size of sizes) await store.delete(`o${size}`);
      await sleep(clock, 200);
      expect(shardCount(store)).toBe(0);
      await store.close();
    } finally {
      // The clock's turns would keep the process from ever ending.
      stop();
    }
  });

  it("runs the same over recorded drives, call for call", async () => {
    const run = async (): Promise<number> => {
      const world = createCrashWorld({ random: createSeededRandom(5), start: freshDrives(3) });
      const formation = await formOver(world.disks);
      const store = await opened(world.disks, formation);
      await Promise.all(sizes.map((size) => store.put(`o${size}`, body(size, 6))));
      await store.close();
      return world.position();
    };
    expect(await run()).toBe(await run());
  });
});

async function formed(): Promise<{ disks: Disk[]; formation: StoreFormation }> {
  const disks = Array.from({ length: 3 }, (_, index) => createMemoryDisk({ deviceId: index + 1 }));
  return { disks, formation: await formOver(disks) };
}

function formOver(disks: readonly Disk[]): Promise<StoreFormation> {
  return formStore({ disks, random: createSeededRandom(1), clock: createManualClock() }, smallStore);
}

function opened(
  disks: readonly (Disk | null)[],
  formation: StoreFormation,
  given: { clock?: Clock; maintenance?: StoreSettings["maintenance"] } = {},
): Promise<Store> {
  const components = {
    disks,
    formation,
    random: createSeededRandom(2),
    clock: given.clock ?? createManualClock(),
    memory,
  };
  return openStore(components, { ...smallStore, maintenance: given.maintenance ?? null });
}

function body(sizeBytes: number, seed: number): Buffer {
  return Buffer.from(createSeededRandom(seed * 100_003 + sizeBytes).bytes(sizeBytes));
}

function shardCount(store: Store): number {
  return store.parts.drives.reduce((sum, drive) => sum + drive.status().shardCount, 0);
}
