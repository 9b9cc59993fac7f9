import { createHash } from "node:crypto";
import { formatGeometry, parseGeometry, type Geometry } from "@kakera/kernel";
import type { Pool } from "@kakera/metadata";
import {
  groupsOf,
  planTable,
  toleranceInWords,
  toleranceOf,
  type DomainLevel,
  type PlacementTable,
} from "@kakera/placement";
import { refused } from "./find-drives.ts";
import type { MadePlan, PlanSources } from "./make-plan.ts";
import { nameOfPlan, type PlanWish } from "./plan-name.ts";

/** A pool that takes the new bodies from the moment that it is there. */
export interface NewPool {
  readonly pool: Pool;
  /** The homes of each of its groups. */
  readonly table: PlacementTable;
}

/**
 * Plans another geometry: a pool of its own over the same drives, to which everything is written anew (correctness.md F25). It keeps the
 * level of failure domains. Throws CommandFailure (exit 4) for a geometry that is there already, or does not fit. Pure.
 */
export function makeGeometryPlan(sources: PlanSources, wish: PlanWish): MadePlan {
  const { map, pools, usedBytes, moveBytesPerSecond } = sources;
  const geometry = geometryOf(wish);
  const now = map.writePool();
  if (now === null) throw refused("the cluster is not formed yet", "kakera status");
  const drives = map
    .drives()
    .filter(({ isLeaving }) => !isLeaving)
    .map(({ driveId, domain, weightBytes }) => ({ driveId, domain, weight: weightBytes }));
  refuseMisfit(geometry, now, new Set(drives.map(({ domain }) => domain)).size);
  const pool: Pool = {
    pool: Math.max(...pools.map((each) => each.pool)) + 1,
    firstGroup: Math.max(...pools.map((each) => each.firstGroup + each.groupCount)),
    groupCount: now.groupCount,
    geometry,
    domainLevel: now.domainLevel,
  };
  const table = planTable({ drives, geometry, groupCount: pool.groupCount, present: null });
  const present = groupsOf(now).map((group) => map.group(now.pool, group)?.homes ?? []);
  const level = now.domainLevel as DomainLevel;
  const up = map.drives().filter(({ standing }) => standing === "MEMBER");
  const rewriteBytes = Math.round(usedBytes * ((geometry.k + geometry.m) / geometry.k));
  return {
    steps: [],
    newPool: { pool, table },
    offer: {
      kind: "plan",
      version: 1,
      plan: nameOfPlan(wish, digestOf({ pools, drives, pool })),
      coming: [],
      leaving: [],
      geometry: { from: formatGeometry(now.geometry), to: formatGeometry(geometry) },
      groupCount: 0,
      groupsOfAll: pools.reduce((sum, each) => sum + each.groupCount, 0),
      movingBytes: 0,
      rebuiltBytes: rewriteBytes,
      estimateMs: Math.round((usedBytes / moveBytesPerSecond) * 1000),
      toleranceBefore: toleranceInWords(toleranceOf(present, now.geometry, up), level),
      toleranceAfter: toleranceInWords(toleranceOf(table, geometry, up), level),
      shares: [],
    },
  };
}

function geometryOf({ names }: PlanWish): Geometry {
  const geometry = parseGeometry(names[0] ?? "");
  if (geometry === null) throw refused(`${names[0]} is no geometry`, "kakera plan geometry 4+2");
  return geometry;
}

function refuseMisfit({ k, m }: Geometry, now: Pool, domainCount: number): void {
  const text = formatGeometry({ k, m });
  if (now.geometry.k === k && now.geometry.m === m) throw refused(`new bodies are ${text} already`, "kakera status");
  if (k + m <= domainCount) return;
  throw refused(
    `${text} needs ${k + m} ${now.domainLevel}s, and there are ${domainCount}`,
    `kakera plan add, of ${k + m - domainCount} more, first`,
  );
}

function digestOf(plan: object): string {
  return createHash("sha256").update(JSON.stringify(plan)).digest("hex").slice(0, 16);
}
