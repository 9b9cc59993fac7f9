import fc from "fast-check";
import { expect } from "vitest";
import { ClusterFailure, KIB, MIB } from "@kakera/kernel";
import type { WrittenBody } from "../../src/bodies.ts";
import { inflict, someOf, writeFault } from "../fakes/drive-fates.ts";
import { afterwards, geometries, read, write, type PropertyRuns } from "../fakes/degraded-kit.ts";
import { damagedShards } from "../fakes/memory-shard-drive.ts";
import { createTestStore, patternBytes, type TestStore } from "../fakes/test-store.ts";

export const sizes = [20 * KIB, 200 * KIB, 3 * MIB + 17, 9 * MIB + 1];

/** Hung calls end. What drives hold by then is what was sent, also what came late. */
export async function afterwardsSound(store: TestStore): Promise<void> {
  await afterwards(store);
  for (const drive of store.drives) expect([...damagedShards(drive), ...drive.violations]).toEqual([]);
}

/** Up to m drives misbehave: a write is acknowledged, and what it wrote is there without them. */
export async function writesAreThere(runs: PropertyRuns): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...geometries),
      fc.nat(2),
      fc.constantFrom(...sizes),
      fc.constantFrom("known", "unknown"),
      fc.nat(1000),
      fc.gen(),
      async (geometry, spareDrives, sizeBytes, length, seed, gen) => {
        const store = await createTestStore({ geometry, driveCount: geometry.k + geometry.m + spareDrives, seed });
        const freeBytes = store.freeMemoryBytes();
        const faulty = gen(someOf, store.drives.length, geometry.m);
        for (const index of faulty)
          inflict(
            store.drives[index]!,
            gen(() => writeFault),
          );
        const bytes = patternBytes(sizeBytes, seed);
        const body = await write(store, bytes, { length });
        await store.commit(body);
        for (const index of faulty) store.drives[index]!.condition = "offline";
        expect((await read(store, body)).equals(bytes)).toBe(true);
        for (const index of faulty) store.drives[index]!.condition = "online";
        // What hangs still reads its memory, which nobody else may have got meanwhile.
        await write(store, patternBytes(sizeBytes, seed + 1), { length });
        await afterwardsSound(store);
        expect(store.freeMemoryBytes()).toBe(freeBytes);
        expect(store.drives.map(({ openStreams }) => openStreams)).toEqual(store.drives.map(() => 0));
      },
    ),
    runs,
  );
}

/** Any number of drives does: a write is acknowledged and readable, or refused and leaves nothing behind. */
export async function writesAreThereOrLeaveNothing(runs: PropertyRuns): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...geometries),
      fc.constantFrom(...sizes),
      fc.nat(1000),
      fc.gen(),
      async (geometry, sizeBytes, seed, gen) => {
        const store = await createTestStore({ geometry, seed, bodies: { write: { writeDeadlineMs: 3_000 } } });
        const freeBytes = store.freeMemoryBytes();
        for (const index of gen(someOf, store.drives.length, store.drives.length))
          inflict(
            store.drives[index]!,
            gen(() => writeFault),
          );
        const bytes = patternBytes(sizeBytes, seed);
        const written = await write(store, bytes).catch((failure: unknown) => failure);
        await afterwardsSound(store);
        if (written instanceof Error) {
          expect(written).toBeInstanceOf(ClusterFailure);
          expect(store.drives.map(({ shards }) => shards.size)).toEqual(store.drives.map(() => 0));
        } else {
          await store.commit(written as WrittenBody);
          expect((await read(store, written as WrittenBody)).equals(bytes)).toBe(true);
        }
        expect(store.freeMemoryBytes()).toBe(freeBytes);
      },
    ),
    runs,
  );
}
