import { createMemoryDisk, faultyDisk } from "@kakera/disk";
import { createSeededRandom, type Disk } from "@kakera/kernel";
import type { ShardWrite } from "@kakera/rpc";
import { expect } from "vitest";
import { createMemoryStore, type Drive, type OrderedStore } from "../src/index.ts";
import { keyKind, kindRange } from "../src/index/index-keys.ts";
import { format, keptStore, makeShard, openTestDrive, readVerified, refOf, storeAll } from "./drive-kit.ts";

const settings = { compaction: "manual", segmentSizeBytes: 48 * 1024, ownFileBytesMin: 9000 } as const;

/** One process: from the moment it is killed, none of its calls reaches the disk or the index, and none comes back well. */
interface Life {
  readonly disk: Disk;
  readonly index: OrderedStore;
  /** Kills it at the n-th call of the disk from now. */
  killAt(callCount: number): void;
  readonly isDead: () => boolean;
}

function newLife(inner: Disk, store: OrderedStore): Life {
  let callsLeft = Infinity;
  const isDead = (): boolean => callsLeft <= 0;
  return {
    disk: faultyDisk(inner, () => {
      callsLeft -= 1;
      return isDead() ? { kind: "fail", code: "EIO" } : null;
    }),
    index: {
      ...store,
      transact: (work) => {
        if (isDead()) throw new RangeError("the process is dead");
        store.transact(work);
      },
    },
    killAt: (callCount) => void (callsLeft = callCount),
    isDead,
  };
}

/** What clients were told of each shard: what it must be now, or null where both is right. */
class Ledger {
  readonly #held = new Map<ShardWrite, boolean | null>();
  readonly #underWay = new Set<ShardWrite>();

  /** Those that nobody is changing. */
  get atRest(): ShardWrite[] {
    return [...this.#held.keys()].filter((shard) => !this.#underWay.has(shard));
  }

  put(drive: Drive, shard: ShardWrite): Promise<void> {
    return this.#change(shard, true, async () => void (await drive.put(shard)));
  }

  remove(drive: Drive, shard: ShardWrite): Promise<void> {
    return this.#change(shard, false, () => drive.remove([refOf(shard)]));
  }

  async #change(shard: ShardWrite, becomes: boolean, call: () => Promise<void>): Promise<void> {
    this.#held.set(shard, null);
    this.#underWay.add(shard);
    try {
      await call();
      this.#held.set(shard, becomes);
    } finally {
      this.#underWay.delete(shard);
    }
  }

  /** Compares with what the drive shows, which from now on must stay. */
  async observe(drive: Drive): Promise<void> {
    for (const [shard, isHeld] of this.#held) {
      const found = await readVerified(drive, refOf(shard));
      if (found !== null) expect((found as Buffer).equals(shard.payload)).toBe(true);
      if (isHeld !== null) expect(found !== null).toBe(isHeld);
      this.#held.set(shard, found !== null);
    }
  }
}

async function work(drive: Drive, ledger: Ledger, random: () => number): Promise<void> {
  const steps = Array.from({ length: 60 }, async (_, step) => {
    // Some at once, some one after the other.
    for (let turn = Math.floor(random() * 40); turn > 0; turn--) await Promise.resolve();
    const known = ledger.atRest;
    const old = known[Math.floor(random() * known.length)];
    const dice = random();
    try {
      if (old === undefined || dice < 0.55)
        await ledger.put(drive, makeShard({ sizeBytes: 1 + Math.floor(random() ** 2 * 12_000), group: step % 2 }));
      else if (dice < 0.8) await ledger.remove(drive, old);
      else if (dice < 0.92) await ledger.put(drive, old);
      else await drive.compact();
    } catch {
      // The process is dead; what became of this call is not known.
    }
  });
  await Promise.all(steps);
  await drive.settled();
}

/** Lives of one drive, each killed at some call; then what was acknowledged is shown, and is what a rebuild makes of it. */
export async function killAndRebuild(seed: number): Promise<void> {
  const seeded = createSeededRandom(seed);
  const random = (): number => seeded.fraction();
  const inner = createMemoryDisk();
  await format(inner);
  const store = keptStore();
  const ledger = new Ledger();
  for (let round = 0; round < 4; round++) {
    const life = newLife(inner, store);
    if (round > 0 && random() < 0.5) life.killAt(1 + Math.floor(random() * 40));
    const drive = await openTestDrive(life.disk, { settings, components: { index: life.index } }).catch(
      (error: unknown) => {
        // It died while it recovered.
        expect(life.isDead()).toBe(true);
        expect(error).toBeInstanceOf(Error);
        return null;
      },
    );
    if (drive === null) continue;
    if (!life.isDead())
      await ledger.observe(drive).catch((error: unknown) => {
        if (!life.isDead()) throw error;
      });
    if (!life.isDead()) life.killAt(20 + Math.floor(random() * 150));
    await work(drive, ledger, random);
  }
  const last = await openTestDrive(inner, { settings, components: { index: store } });
  await ledger.observe(last);
  await last.settled();
  await storeAll(last);
  const kept = liveEntries(store);
  await last.close();
  const rebuilt = createMemoryStore();
  const again = await openTestDrive(inner, { settings, components: { index: rebuilt } });
  await storeAll(again);
  expect(liveEntries(rebuilt)).toEqual(kept);
  await ledger.observe(again);
  await again.close();
}

function liveEntries(store: OrderedStore): string[] {
  const { from, until } = kindRange(keyKind.live);
  return store.range(from, until, 100_000).map(([key, value]) => `${key.toString("hex")} ${value.toString("hex")}`);
}
