import { createHash } from "node:crypto";
import type { DriveId } from "@kakera/kernel";
import type { ClusterMap, MappedDrive, PlannedStep, Pool } from "@kakera/metadata";
import {
  diffTables,
  groupsOf,
  planTable,
  summarizeSteps,
  toleranceInWords,
  toleranceOf,
  type DomainLevel,
  type Homes,
  type PlacementTable,
} from "@kakera/placement";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";
import { findLeaving, findUnplaced, refused, type NodeDrives, type UnplacedDrive } from "./find-drives.ts";
import type { NewPool } from "./make-geometry-plan.ts";
import { nameOfPlan, type PlanWish } from "./plan-name.ts";

export interface PlanSources {
  readonly map: ClusterMap;
  readonly pools: readonly Pool[];
  /** Nodes that live. */
  readonly nodes: readonly NodeDrives[];
  /** Bytes of all bodies. */
  readonly usedBytes: number;
  readonly moveBytesPerSecond: number;
}

/** What would be done, and what it would cost. */
export interface MovePlan {
  readonly kind: "plan";
  readonly version: 1;
  /** For `kakera apply`. */
  readonly plan: string;
  readonly coming: readonly UnplacedDrive[];
  readonly leaving: readonly DriveId[];
  /** As K+M; null: it stays. */
  readonly geometry: { readonly from: string; readonly to: string } | null;
  /** Groups that get other homes, of all. */
  readonly groupCount: number;
  readonly groupsOfAll: number;
  /** About; shards that are copied, and those that are made anew. */
  readonly movingBytes: number;
  readonly rebuiltBytes: number;
  /** At the pace that moves keep to. */
  readonly estimateMs: number;
  readonly toleranceBefore: string;
  readonly toleranceAfter: string;
  /** Homes of each drive that is concerned. */
  readonly shares: readonly {
    readonly driveId: DriveId;
    readonly domain: string;
    readonly before: number;
    readonly after: number;
  }[];
}

export interface MadePlan {
  readonly offer: MovePlan;
  readonly steps: readonly PlannedStep[];
  readonly newPool: NewPool | null;
}

interface PooledPlan {
  readonly pool: Pool;
  readonly present: PlacementTable;
  readonly target: PlacementTable;
}

/**
 * Plans the moves that a wish takes. The same map, nodes and wish give the same plan under the same name. Throws CommandFailure (exit 4)
 * for what cannot be done without losing redundancy, and for drives that are not what they are named as. Pure.
 */
export function makePlan(sources: PlanSources, wish: PlanWish): MadePlan {
  const { map, pools } = sources;
  const [coming, leaving] = drivesOf(sources, wish);
  const leavingIds = new Set(leaving.map(({ driveId }) => driveId));
  const staying = map.drives().filter(({ driveId, isLeaving }) => !isLeaving && !leavingIds.has(driveId));
  const drives = [...staying, ...coming].map(({ driveId, domain, weightBytes }) => ({
    driveId,
    domain,
    weight: weightBytes,
  }));
  const plans = pools.map((pool): PooledPlan => {
    const { geometry, groupCount } = pool;
    const present = groupsOf(pool).map((group) => map.group(pool.pool, group)?.homes ?? []);
    return { pool, present, target: planTable({ drives, geometry, groupCount, present }) };
  });
  for (const plan of plans) refuseVacancies(plan);
  const steps = plans.flatMap((plan) => stepsOf(map, plan));
  if (steps.length + coming.length + leaving.length === 0)
    throw refused(
      "there is no drive that holds nothing yet",
      "start the new node, or kakera drive add DIR, then this again",
    );
  const digest = digestOf({ steps, coming, leaving: [...leavingIds], pools });
  const offer = describe(sources, { plans, coming, leaving, drives, name: nameOfPlan(wish, digest) });
  return { offer, steps, newPool: null };
}

function drivesOf(sources: PlanSources, { action, names }: PlanWish): [UnplacedDrive[], MappedDrive[]] {
  if (action === "add") return [findUnplaced(sources, names), []];
  if (action === "remove") return [[], findLeaving(sources.map, names)];
  return [findUnplaced(sources, names.slice(1)), findLeaving(sources.map, names.slice(0, 1))];
}

/** What lies on a drive that leaves would have no home any more. */
function refuseVacancies({ pool, present, target }: PooledPlan): void {
  const vacated = diffTables(present, target, new Set()).flatMap(({ moved }) => moved.filter(({ to }) => to === null));
  if (vacated.length === 0) return;
  throw new CommandFailure(
    "TOLERANCE_ZERO",
    `${vacated.length} shards of placement groups would have no ${pool.domainLevel} to go to: ${pool.geometry.k}+${pool.geometry.m} needs ${pool.geometry.k + pool.geometry.m} of them`,
    { exitCode: exitCodes.refused, remedy: "kakera plan add, of another one, first" },
  );
}

function stepsOf(map: ClusterMap, { pool, present, target }: PooledPlan): PlannedStep[] {
  return diffTables(present, target, lostDrives(map, present)).map(({ group: index, homes }) => {
    const group = pool.firstGroup + index;
    return { pool: pool.pool, group, epoch: map.group(pool.pool, group)?.epoch ?? 0, homes };
  });
}

/** Homes whose shards nobody can copy. */
function lostDrives(map: ClusterMap, present: PlacementTable): Set<DriveId> {
  const homes = new Set(present.flat().filter((home) => home !== null));
  return new Set([...homes].filter((home) => (map.drive(home)?.standing ?? "GONE") === "GONE"));
}

function digestOf(plan: {
  readonly steps: readonly PlannedStep[];
  readonly coming: readonly UnplacedDrive[];
  readonly leaving: readonly DriveId[];
  readonly pools: readonly Pool[];
}): string {
  return createHash("sha256").update(JSON.stringify(plan)).digest("hex").slice(0, 16);
}

function describe(
  sources: PlanSources,
  of: {
    readonly plans: readonly PooledPlan[];
    readonly coming: readonly UnplacedDrive[];
    readonly leaving: readonly MappedDrive[];
    readonly drives: readonly { readonly driveId: DriveId; readonly domain: string }[];
    readonly name: string;
  },
): MovePlan {
  const { map, usedBytes, moveBytesPerSecond } = sources;
  const groupsOfAll = of.plans.reduce((sum, { pool }) => sum + pool.groupCount, 0);
  let [groupCount, movingBytes, rebuiltBytes] = [0, 0, 0];
  for (const { pool, present, target } of of.plans) {
    const shardBytes = usedBytes / Math.max(1, groupsOfAll) / pool.geometry.k;
    const summary = summarizeSteps(diffTables(present, target, lostDrives(map, present)), () => shardBytes);
    groupCount += summary.groupCount;
    movingBytes += summary.movedBytes;
    rebuiltBytes += summary.rebuiltBytes;
  }
  const up = map.drives().filter(({ standing }) => standing === "MEMBER");
  return {
    kind: "plan",
    version: 1,
    plan: of.name,
    coming: of.coming,
    leaving: of.leaving.map(({ driveId }) => driveId),
    geometry: null,
    groupCount,
    groupsOfAll,
    movingBytes: Math.round(movingBytes),
    rebuiltBytes: Math.round(rebuiltBytes),
    estimateMs: Math.round(((movingBytes + rebuiltBytes) / moveBytesPerSecond) * 1000),
    toleranceBefore: tolerance(of.plans, up, ({ present }) => present),
    toleranceAfter: tolerance(of.plans, of.drives, ({ target }) => target),
    shares: sharesOf(of.plans, [...map.drives(), ...of.coming]),
  };
}

function tolerance(
  plans: readonly PooledPlan[],
  drives: readonly { readonly driveId: DriveId; readonly domain: string }[],
  tableOf: (plan: PooledPlan) => PlacementTable,
): string {
  const words = plans.map((plan) =>
    toleranceInWords(toleranceOf(tableOf(plan), plan.pool.geometry, drives), plan.pool.domainLevel as DomainLevel),
  );
  return [...new Set(words)].join("; ");
}

function sharesOf(
  plans: readonly PooledPlan[],
  drives: readonly { readonly driveId: DriveId; readonly domain: string }[],
): MovePlan["shares"] {
  const count = (tables: readonly Homes[], driveId: DriveId): number =>
    tables.reduce((sum, homes) => sum + homes.filter((home) => home === driveId).length, 0);
  return drives.map(({ driveId, domain }) => ({
    driveId,
    domain,
    before: count(
      plans.flatMap(({ present }) => present),
      driveId,
    ),
    after: count(
      plans.flatMap(({ target }) => target),
      driveId,
    ),
  }));
}
