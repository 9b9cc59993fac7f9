import fc from "fast-check";
import { TIB } from "@kakera/kernel";
import { planTable, type DriveWeight, type PlacementTable } from "../src/index.ts";
import { drawnCluster, idealSlots, makeDrives, type Cluster } from "./drawn-clusters.ts";

/** A cluster that changes; the geometry stays what it was formed with. */
export interface Growth {
  readonly before: Cluster;
  readonly after: Cluster;
}

export interface PlannedGrowth {
  readonly present: PlacementTable;
  readonly target: PlacementTable;
}

const drawnWeight = fc.integer({ min: TIB, max: 8 * TIB });
/** Above the seeds of clusters: else newcomers could get the ids of drives that are there. */
const drawnNewcomers = fc.record({
  weights: fc.array(drawnWeight, { minLength: 1, maxLength: 6 }),
  seed: fc.integer({ min: 2 ** 31, max: 2 ** 32 - 1 }),
});

const grow = (before: Cluster, drives: readonly DriveWeight[]): Growth => ({
  before,
  after: { drives, geometry: before.geometry },
});
const driveAt = ({ drives }: Cluster, at: number): DriveWeight => drives[at % drives.length]!;
const without = (before: Cluster, leaves: (drive: DriveWeight) => boolean): Growth =>
  grow(
    before,
    before.drives.filter((drive) => !leaves(drive)),
  );

/** The ways in which clusters change, by name. */
export const growthsOf = (
  drawnCluster: fc.Arbitrary<Cluster>,
): readonly (readonly [string, fc.Arbitrary<Growth>])[] => [
  [
    "a drive joins",
    fc.tuple(drawnCluster, drawnNewcomers, fc.nat()).map(([before, { weights, seed }, at]) => {
      const newcomers = makeDrives([1], { weights: weights.slice(0, 1), seed });
      const { domain } = driveAt(before, at);
      return grow(before, [...before.drives, ...newcomers.map((drive) => ({ ...drive, domain }))]);
    }),
  ],
  [
    "a node joins",
    fc.tuple(drawnCluster, drawnNewcomers).map(([before, { weights, seed }]) => {
      const newcomers = makeDrives([weights.length], { weights, seed, prefix: "new" });
      return grow(before, [...before.drives, ...newcomers]);
    }),
  ],
  [
    "a drive leaves",
    fc.tuple(drawnCluster, fc.nat()).map(([before, at]) => without(before, (drive) => drive === driveAt(before, at))),
  ],
  [
    "a node leaves",
    fc
      .tuple(drawnCluster, fc.nat())
      .map(([before, at]) => without(before, ({ domain }) => domain === driveAt(before, at).domain)),
  ],
  [
    "weights change",
    fc.tuple(drawnCluster, fc.nat(), drawnWeight).map(([before, at, weight]) =>
      grow(
        before,
        before.drives.map((drive, index) => (index % 7 === at % 7 ? { ...drive, weight } : drive)),
      ),
    ),
  ],
];

export const drawnGrowths = growthsOf(drawnCluster);

export function planGrowth({ before, after }: Growth, groupCount: number): PlannedGrowth {
  const present = planTable({ ...before, groupCount, present: null });
  return { present, target: planTable({ ...after, groupCount, present }) };
}

/** What has to move at the very least for the shares to change as they do. */
export function idealMoves({ before, after }: Growth, groupCount: number): number {
  const shares = idealSlots(before, groupCount);
  return [...idealSlots(after, groupCount)].reduce(
    (sum, [driveId, share]) => sum + Math.max(0, share - (shares.get(driveId) ?? 0)),
    0,
  );
}
