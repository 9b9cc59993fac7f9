import type { DriveId, Geometry } from "@kakera/kernel";
import type { DriveWeight } from "./choose-homes.ts";
import type { DomainLevel } from "./domain-level.ts";
import type { Homes, PlacementTable } from "./plan-table.ts";

export interface Tolerance {
  /** Whichever domains fail, so many may, and every group can still be read. */
  readonly domainCount: number;
  /** Homes without a drive, or with one that is not among those up. */
  readonly vacantCount: number;
  /** Groups with fewer than k shards: their bodies cannot be read now. */
  readonly unreadableCount: number;
}

/**
 * What a table stands by now. `drives`: those that are up, with their domains at the level that is asked about: it need not be the
 * pool's (of a table that keeps hosts apart it can be asked how many zones may fail).
 */
export function toleranceOf(
  table: PlacementTable,
  { k, m }: Geometry,
  drives: readonly Pick<DriveWeight, "driveId" | "domain">[],
): Tolerance {
  const domainOf = new Map<DriveId, string>(drives.map(({ driveId, domain }) => [driveId, domain]));
  let domainCount = m;
  let vacantCount = 0;
  let unreadableCount = 0;
  for (const homes of table) {
    const sizes = domainSizes(homes, domainOf);
    const shardCount = sizes.reduce((sum, size) => sum + size, 0);
    vacantCount += homes.length - shardCount;
    if (shardCount < k) unreadableCount += 1;
    domainCount = Math.min(domainCount, domainsToSpare(sizes, shardCount - k));
  }
  return { domainCount, vacantCount, unreadableCount };
}

/** Shards of a group in each domain that has any, most first. */
function domainSizes(homes: Homes, domainOf: ReadonlyMap<DriveId, string>): number[] {
  const sizes = new Map<string, number>();
  for (const home of homes) {
    const domain = home === null ? undefined : domainOf.get(home);
    if (domain !== undefined) sizes.set(domain, (sizes.get(domain) ?? 0) + 1);
  }
  return [...sizes.values()].sort((a, b) => b - a);
}

/** The worst that can fail are the domains with the most shards. */
function domainsToSpare(sizes: readonly number[], shardsToSpare: number): number {
  let left = shardsToSpare;
  let count = 0;
  for (const size of sizes) {
    left -= size;
    if (left < 0) return count;
    count += 1;
  }
  return count;
}

/** For status and plans: "any 2 hosts may fail; 37 homes are vacant". */
export function toleranceInWords(tolerance: Tolerance, level: DomainLevel): string {
  const { domainCount, vacantCount, unreadableCount } = tolerance;
  const vacant = vacantCount === 0 ? "every home is filled" : `${countOf(vacantCount, "home")} vacant`;
  if (unreadableCount > 0) return `${countOf(unreadableCount, "group")} not readable; ${vacant}`;
  if (domainCount === 0) return `no ${level} may fail; ${vacant}`;
  return domainCount === 1
    ? `any one ${level} may fail; ${vacant}`
    : `any ${domainCount} ${level}s may fail; ${vacant}`;
}

function countOf(count: number, noun: string): string {
  return count === 1 ? `one ${noun} is` : `${count} ${noun}s are`;
}
