import { assert } from "@kakera/kernel";
import type { Roster } from "./make-roster.ts";
import type { WorkingTable } from "./working-table.ts";

/** In `group`, `coming` becomes a home in the place of `leaving`. */
export interface Replacement {
  readonly group: number;
  readonly leaving: number;
  readonly coming: number;
}

/** A shard that moves costs this much, each replacement 1: of the paths that move least, the shortest crosses no group twice. */
const shardCost = 2 ** 20;

export interface PathEnds {
  /** Drives (or `vacant`) to take a slot from. */
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/**
 * The replacements that together take a slot from one of the first drives and give one to one of the others, and move
 * the fewest shards: a drive that becomes home of a group costs one, none when the group's data is on it, and to stop being a
 * home that it has only just become gives one back. null: there are none. Bellman-Ford, as costs can be negative.
 */
export function findCheapestPath(table: WorkingTable, roster: Roster, ends: PathEnds): Replacement[] | null {
  if (ends.from.length === 0 || ends.to.length === 0) return null;
  const search = new Search(table, roster);
  for (const drive of ends.from) search.startAt(drive);
  search.run();
  return search.pathTo(ends.to);
}

/** By how many shards more have to move. */
export function shardsMovedBy(table: WorkingTable, path: readonly Replacement[]): number {
  const isMove = (group: number, drive: number): boolean => drive !== table.vacant && !table.wasHome(group, drive);
  return path.reduce(
    (sum, { group, leaving, coming }) => sum + Number(isMove(group, coming)) - Number(isMove(group, leaving)),
    0,
  );
}

interface Hop {
  readonly group: number;
  readonly leaving: number;
  /** Its data is not there yet. */
  readonly isArrival: boolean;
}

class Search {
  readonly #table: WorkingTable;
  readonly #roster: Roster;
  readonly #costs: Float64Array;
  /** How a drive is reached at its cost. */
  readonly #arrivals: (Replacement | null)[];
  /** By domain: the least that it costs the drive at hand to leave a group that has no shard there, and that group. */
  readonly #leastCosts: Float64Array;
  readonly #leastGroups: Int32Array;
  #frontier = new Set<number>();

  constructor(table: WorkingTable, roster: Roster) {
    this.#table = table;
    this.#roster = roster;
    this.#costs = new Float64Array(table.vacant + 1).fill(Number.POSITIVE_INFINITY);
    this.#arrivals = new Array<Replacement | null>(table.vacant + 1).fill(null);
    this.#leastCosts = new Float64Array(roster.drivesOfDomain.length);
    this.#leastGroups = new Int32Array(roster.drivesOfDomain.length);
  }

  startAt(drive: number): void {
    this.#costs[drive] = 0;
    this.#frontier.add(drive);
  }

  run(): void {
    for (let round = 0; this.#frontier.size > 0; round++) {
      assert(round <= this.#table.vacant + 1, "no circle of replacements gains anything");
      const frontier = this.#frontier;
      this.#frontier = new Set();
      for (const drive of frontier) this.#reachFrom(drive);
    }
  }

  #reachFrom(leaving: number): void {
    const { vacant } = this.#table;
    const hasArrivals = leaving !== vacant && this.#table.arrivalsOf(leaving) > 0;
    const costMin = hasArrivals ? 0 : shardCost;
    this.#leastCosts.fill(Number.POSITIVE_INFINITY);
    let settledCount = 0;
    for (const group of this.#table.groupsOf(leaving)) {
      const isArrival = hasArrivals && !this.#table.wasHome(group, leaving);
      const hop = { group, leaving, isArrival };
      if (this.#table.departuresOf(group) > 0) this.#reachFormerHomes(hop);
      // Domains that only few groups have are found in the first groups: the rest need not be looked at.
      if (settledCount < this.#leastCosts.length) settledCount += this.#reachDomains(hop, costMin);
    }
    for (const [domain, cost] of this.#leastCosts.entries()) {
      if (cost === Number.POSITIVE_INFINITY) continue;
      const group = this.#leastGroups[domain] ?? 0;
      for (const coming of this.#roster.drivesOfDomain[domain] ?? [])
        if (coming !== leaving) this.#relax(coming, { group, leaving, cost });
    }
  }

  /** To be a home again costs nothing. */
  #reachFormerHomes({ group, leaving, isArrival }: Hop): void {
    const now = this.#table.homes(group);
    for (const coming of this.#table.originalHomes(group)) {
      if (coming === this.#table.vacant || now.includes(coming)) continue;
      if (!this.#table.canReplace(group, leaving, coming)) continue;
      this.#relax(coming, { group, leaving, cost: isArrival ? -shardCost : 0 });
    }
  }

  /** Notes the domains for which this group is the cheapest to leave so far; answers for how many none can be cheaper. */
  #reachDomains({ group, leaving, isArrival }: Hop, costMin: number): number {
    const cost = isArrival ? 0 : shardCost;
    let settledCount = 0;
    for (let domain = 0; domain < this.#leastCosts.length; domain++) {
      if ((this.#leastCosts[domain] ?? 0) <= cost) continue;
      if (domain !== this.#roster.domainOf[leaving] && this.#table.isTaken(group, domain)) continue;
      this.#leastCosts[domain] = cost;
      this.#leastGroups[domain] = group;
      if (cost === costMin) settledCount += 1;
    }
    return settledCount;
  }

  #relax(coming: number, by: { readonly group: number; readonly leaving: number; readonly cost: number }): void {
    const total = (this.#costs[by.leaving] ?? 0) + by.cost + 1;
    if (total >= (this.#costs[coming] ?? 0)) return;
    this.#costs[coming] = total;
    this.#arrivals[coming] = { group: by.group, leaving: by.leaving, coming };
    this.#frontier.add(coming);
  }

  /** To the cheapest of the drives; ties by index. */
  pathTo(drives: readonly number[]): Replacement[] | null {
    let at = drives.reduce((best, drive) => ((this.#costs[drive] ?? 0) < (this.#costs[best] ?? 0) ? drive : best));
    const path: Replacement[] = [];
    for (let arrival = this.#arrivals[at] ?? null; arrival !== null; arrival = this.#arrivals[at] ?? null) {
      assert(path.length <= this.#table.vacant, "no circle of replacements gains anything");
      path.unshift(arrival);
      at = arrival.leaving;
    }
    return path.length === 0 ? null : path;
  }
}
