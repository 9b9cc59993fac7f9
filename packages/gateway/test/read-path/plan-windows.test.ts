import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSeededRandom, idBytes, KIB, MIB, newId, type Geometry } from "@kakera/kernel";
import { blockSizeBytes, stripeLayout } from "@kakera/erasure";
import type { ClusterMap } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { StoredBody } from "../../src/bodies.ts";
import { memoryNeeded, planSteps, type ReadStep } from "../../src/read-path/plan-windows.ts";
import { patternBytes } from "../fakes/test-store.ts";

const random = createSeededRandom(5);
const mapOf = (geometry: Geometry): ClusterMap => ({
  writePool: () => null,
  pool: (pool) => ({ pool, geometry, domainLevel: "drive", firstGroup: 0, groupCount: 16 }),
  group: () => null,
  drive: () => null,
  drives: () => [],
});

const bodyOf = (sizeBytes: number, form: "CODED" | "REPLICATED" = "CODED"): StoredBody => ({
  kind: "chunks",
  sizeBytes,
  place: { dataId: idBytes(newId("data", random)), pool: 1, sizeBytes, form: records.BodyForm[form] },
});

/** Body bytes of a step, as [body bytes from, to) of its own body, chunk by chunk, in order. */
function wantedBy(step: ReadStep): number[] {
  return step.kind === "inline" ? [step.bytes.byteLength] : step.window.pieces.map(({ lengthBytes }) => lengthBytes);
}

const geometries = fc.constantFrom<Geometry>({ k: 1, m: 1 }, { k: 2, m: 2 }, { k: 4, m: 2 }, { k: 6, m: 3 });

describe("planSteps()", () => {
  test("names every byte of a range once and in order, in whole blocks that hold it, within the memory it announced", () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 100 * KIB }), fc.integer({ min: 1, max: 140 * MIB }));
    fc.assert(
      fc.property(geometries, size, fc.nat(), fc.nat(), (geometry, sizeBytes, from, length) => {
        const body = bodyOf(sizeBytes);
        const offsetBytes = from % sizeBytes;
        const lengthBytes = 1 + (length % (sizeBytes - offsetBytes));
        const map = mapOf(geometry);
        const neededBytes = memoryNeeded(map, [body], { offsetBytes, lengthBytes });
        let at = offsetBytes;
        for (const step of planSteps(map, [body], { offsetBytes, lengthBytes })) {
          if (step.kind === "inline") throw new Error("nothing is inline");
          const { chunk, extent, pieces, neededShards } = step.window;
          expect(extent.offsetBytes % blockSizeBytes).toBe(0);
          const extentEnd = extent.offsetBytes + extent.lengthBytes;
          expect(extentEnd % blockSizeBytes === 0 || extentEnd === chunk.layout.shardSizeBytes).toBe(true);
          for (const piece of pieces) {
            expect(chunk.chunkIndex * 64 * MIB + piece.bodyOffsetBytes).toBe(at);
            at += piece.lengthBytes;
            expect(piece.shardOffsetBytes).toBeGreaterThanOrEqual(extent.offsetBytes);
            expect(piece.shardOffsetBytes + piece.lengthBytes).toBeLessThanOrEqual(extentEnd);
            expect(neededShards).toContain(piece.shard);
          }
          // Two windows of all shards, and room to decode those that hang.
          const windows =
            step.window.pieces.length > 0 &&
            lengthBytes === sizeBytes &&
            extent.lengthBytes === stripeLayout(sizeBytes, geometry.k).shardSizeBytes
              ? 1
              : 2;
          expect(windows * (geometry.k + 2 * geometry.m) * extent.lengthBytes).toBeLessThanOrEqual(neededBytes);
        }
        expect(at).toBe(offsetBytes + lengthBytes);
      }),
      { numRuns: 150 },
    );
  });

  test("touches one shard for a range within one unit, and no stripe beside the range", () => {
    const map = mapOf({ k: 4, m: 2 });
    const steps = [...planSteps(map, [bodyOf(10 * MIB)], { offsetBytes: 5 * MIB + 300 * KIB, lengthBytes: 1000 })];
    expect(steps).toHaveLength(1);
    const [step] = steps;
    if (step?.kind !== "window") throw new Error("it is on drives");
    expect(step.window.neededShards).toEqual([1]);
    expect(step.window.extent.lengthBytes).toBeLessThanOrEqual(2 * blockSizeBytes);
  });

  test("reads at least a mebibyte of each shard at once in the middle of a long body", () => {
    const steps = [...planSteps(mapOf({ k: 4, m: 2 }), [bodyOf(64 * MIB)], { offsetBytes: 0, lengthBytes: 64 * MIB })];
    expect(steps).toHaveLength(16);
    for (const step of steps) if (step.kind === "window") expect(step.window.extent.lengthBytes).toBe(MIB);
  });

  test("goes through parts in order, inline ones and empty ones among them", () => {
    const parts: StoredBody[] = [
      { kind: "inline", bytes: patternBytes(100), sizeBytes: 100 },
      { kind: "inline", bytes: patternBytes(0), sizeBytes: 0 },
      bodyOf(20 * KIB, "REPLICATED"),
      { kind: "inline", bytes: patternBytes(50), sizeBytes: 50 },
    ];
    const lengths = [
      ...planSteps(mapOf({ k: 4, m: 2 }), parts, { offsetBytes: 90, lengthBytes: 10 + 20 * KIB + 5 }),
    ].map(wantedBy);
    expect(lengths).toEqual([[10], [20 * KIB], [5]]);
  });
});
