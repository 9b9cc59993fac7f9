import fc from "fast-check";
import { createSeededRandom, geometryForDomains, newId, TIB, type Geometry } from "@kakera/kernel";
import type { DriveWeight, PlacementTable } from "../src/index.ts";

export interface Cluster {
  readonly drives: readonly DriveWeight[];
  readonly geometry: Geometry;
}

/** 3 to 60 drives, one to six in a domain, the largest eight times the smallest. */
export const drawnCluster: fc.Arbitrary<Cluster> = fc
  .record({ domainSizes: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 3, maxLength: 20 }), seed: fc.nat() })
  .chain(({ domainSizes, seed }) => {
    const count = domainSizes.reduce((sum, size) => sum + size, 0);
    const capped = Math.min(count, 60);
    return fc.array(fc.integer({ min: TIB, max: 8 * TIB }), { minLength: capped, maxLength: capped }).map((weights) => {
      const drives = makeDrives(domainSizes, { weights, seed });
      return { drives, geometry: geometryForDomains(new Set(drives.map(({ domain }) => domain)).size) };
    });
  });

/** As clusters are bought: five to twenty nodes with equally many drives, the largest twice the smallest; 4 to 60 drives. */
export const drawnPlainCluster: fc.Arbitrary<Cluster> = fc
  .record({ domainCount: fc.integer({ min: 5, max: 20 }), size: fc.integer({ min: 1, max: 3 }), seed: fc.nat() })
  .chain(({ domainCount, size, seed }) => {
    const count = domainCount * size;
    return fc.array(fc.integer({ min: TIB, max: 2 * TIB }), { minLength: count, maxLength: count }).map((weights) => ({
      drives: makeDrives(new Array<number>(domainCount).fill(size), { weights, seed }),
      geometry: geometryForDomains(domainCount),
    }));
  });

/** As many drives as there are weights; `prefix` sets the domains of one call apart from those of another. */
export function makeDrives(
  domainSizes: readonly number[],
  { weights, seed, prefix = "host" }: { weights: readonly number[]; seed: number; prefix?: string },
): DriveWeight[] {
  const random = createSeededRandom(seed);
  const domains = domainSizes.flatMap((size, index) => new Array<string>(size).fill(`${prefix}${index}`));
  return weights.map((weight, index) => ({
    driveId: newId("drive", random),
    domain: domains[index] ?? `${prefix}x`,
    weight,
  }));
}

/** Slots of each drive by water-filling, found in another way than the planner's: the water level by bisection. */
export function idealSlots({ drives, geometry }: Cluster, groupCount: number): Map<string, number> {
  const domainWeights = new Map<string, number>();
  for (const { domain, weight } of drives) domainWeights.set(domain, (domainWeights.get(domain) ?? 0) + weight);
  const slots = groupCount * Math.min(geometry.k + geometry.m, domainWeights.size);
  const filled = (level: number): number =>
    [...domainWeights.values()].reduce((sum, weight) => sum + Math.min(groupCount, weight * level), 0);
  let low = 0;
  let high = groupCount / Math.min(...domainWeights.values());
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (filled(middle) < slots) low = middle;
    else high = middle;
  }
  return new Map(
    drives.map(({ driveId, domain, weight }) => {
      const domainWeight = domainWeights.get(domain) ?? 0;
      return [driveId, (Math.min(groupCount, domainWeight * high) * weight) / domainWeight];
    }),
  );
}

export function countSlots(table: PlacementTable): Map<string, number> {
  const counts = new Map<string, number>();
  for (const home of table.flat()) if (home !== null) counts.set(home, (counts.get(home) ?? 0) + 1);
  return counts;
}

/** Shards that have to be written: homes that hold another drive than before, at the same index. */
export function countMoved(before: PlacementTable, after: PlacementTable): number {
  return after.reduce(
    (sum, homes, group) => sum + homes.filter((home, i) => home !== null && home !== before[group]?.[i]).length,
    0,
  );
}
