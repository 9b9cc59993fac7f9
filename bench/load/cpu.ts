import { readdirSync, readFileSync } from "node:fs";

const ticksPerSecond = 100;

interface ProcessTimes {
  readonly parent: number;
  readonly cpuTicks: number;
}

function timesOf(pid: number): ProcessTimes | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), cpuTicks: [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) };
  } catch {
    return null;
  }
}

/** `pid` and all its descendants. */
export function processTree(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const times = timesOf(Number(name));
    if (times !== null) parents.set(Number(name), times.parent);
  }
  const tree = [pid];
  for (let at = 0; at < tree.length; at++) {
    for (const [child, parent] of parents) if (parent === tree[at]) tree.push(child);
  }
  return tree;
}

/** User and system time of the whole process tree, ended children included, in microseconds (in steps of 10 ms). */
export function cpuMicroseconds(pid: number): number {
  const ticks = processTree(pid).reduce((sum, member) => sum + (timesOf(member)?.cpuTicks ?? 0), 0);
  return (ticks * 1e6) / ticksPerSecond;
}
