import { crashImages, createCrashWorld, freshDrives } from "@kakera/disk";
import { createSeededRandom, type Disk, type DiskFile } from "@kakera/kernel";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentOf } from "./disk-contract.ts";

const fileBytes = 3_000;

type Step = { readonly kind: "write"; readonly at: number; readonly length: number } | { readonly kind: "sync" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("write" as const),
      at: fc.nat(fileBytes),
      length: fc.integer({ min: 1, max: 900 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "sync" as const }) },
);

describe("the crash images of one file", () => {
  it("hold for each byte a version that is allowed, by a count kept for each byte alone", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), fc.nat(), async (steps, seed) => {
        const world = createCrashWorld({ random: createSeededRandom(seed), start: freshDrives(1) });
        const disk = world.disks[0] as Disk;
        const file = await disk.open("f", { access: "create" });
        await file.write(new Uint8Array(fileBytes + 900), 0);
        await file.fdatasync();
        await disk.syncDirectory("");
        const floors = await perform(steps, file, () => world.position());
        const settings = { random: createSeededRandom(seed + 1), imagesPerPosition: 3, spoiledBlockShare: 0 };
        for (const image of crashImages(world.history(), settings)) {
          const atLeast = floors.findLast((floor) => floor.position <= image.position)?.versions;
          if (atLeast === undefined) continue;
          const content = await contentOf(image.disks()[0] as Disk, "f");
          const below = content.findIndex((version, index) => version < (atLeast[index] ?? 0));
          expect(below, `byte at position ${image.position} seed ${image.seed}`).toBe(-1);
        }
      }),
      { numRuns: 60 },
    );
  });
});

interface Floor {
  readonly position: number;
  /** For each byte the number of the write that must be there, or a later one. */
  readonly versions: Uint8Array;
}

/** Write number n fills its range with n, so that a byte tells which write it is from. */
async function perform(steps: readonly Step[], file: DiskFile, position: () => number): Promise<Floor[]> {
  const written = new Uint8Array(fileBytes + 900);
  const floors: Floor[] = [{ position: position(), versions: written.slice() }];
  let version = 0;
  for (const each of steps) {
    if (each.kind === "sync") {
      await file.fdatasync();
      floors.push({ position: position(), versions: written.slice() });
      continue;
    }
    version += 1;
    await file.write(new Uint8Array(each.length).fill(version), each.at);
    written.fill(version, each.at, each.at + each.length);
  }
  return floors;
}
