import type { DriveWeight, PlacementTable } from "../src/index.ts";
import { countSlots } from "./drawn-clusters.ts";

/** An arc and, at the index beside it (xor 1), the way back. */
interface Arc {
  readonly to: number;
  room: number;
  readonly cost: number;
}

/**
 * The fewest shards that any table with the counts of `target` moves away from `present`: as a flow of least cost over
 * groups, domains of groups, and drives. Written out, slow, and unlike the planner, which it judges.
 */
export function leastMoves(drives: readonly DriveWeight[], present: PlacementTable, target: PlacementTable): number {
  const nodes = new Map<string, number>();
  const node = (name: string): number => nodes.get(name) ?? nodes.set(name, nodes.size).size - 1;
  const arcs: Arc[] = [];
  const arcsOf: number[][] = [];
  const connect = (names: readonly [string, string], room: number, cost: number): void => {
    const [from, to] = [node(names[0]), node(names[1])];
    (arcsOf[from] ??= []).push(arcs.push({ to, room, cost }) - 1);
    (arcsOf[to] ??= []).push(arcs.push({ to: from, room: 0, cost: -cost }) - 1);
  };
  const counts = countSlots(target);
  for (const { driveId } of drives) connect([driveId, "end"], counts.get(driveId) ?? 0, 0);
  for (const [group, homes] of present.entries()) {
    connect(["start", `${group}`], homes.length, 0);
    for (const domain of new Set(drives.map((drive) => drive.domain)))
      connect([`${group}`, `${group} ${domain}`], 1, 0);
    for (const { driveId, domain } of drives)
      connect([`${group} ${domain}`, driveId], 1, homes.includes(driveId) ? 0 : 1);
  }
  let moves = 0;
  for (;;) {
    const costs = new Array<number>(nodes.size).fill(Number.POSITIVE_INFINITY);
    const arrivals = new Array<number>(nodes.size).fill(-1);
    costs[node("start")] = 0;
    const queue = [node("start")];
    for (let from = queue.shift(); from !== undefined; from = queue.shift()) {
      for (const index of arcsOf[from] ?? []) {
        const { to, room, cost } = arcs[index]!;
        if (room === 0 || costs[from]! + cost >= costs[to]!) continue;
        costs[to] = costs[from]! + cost;
        arrivals[to] = index;
        if (!queue.includes(to)) queue.push(to);
      }
    }
    if (costs[node("end")] === Number.POSITIVE_INFINITY) return moves;
    moves += costs[node("end")]!;
    for (let at = node("end"); at !== node("start"); at = arcs[arrivals[at]! ^ 1]!.to) {
      arcs[arrivals[at]!]!.room -= 1;
      arcs[arrivals[at]! ^ 1]!.room += 1;
    }
  }
}
