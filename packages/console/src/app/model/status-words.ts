import type { SeenDrive, SeenStatus } from "../../reports.ts";
import { localTime } from "../drivers/calendar.ts";
import { formatCount, formatCounted, formatDuration } from "./format.ts";

export const healthWords = { ok: "Healthy", attention: "Needs attention", unavailable: "Unavailable" } as const;

export interface Capacity {
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly freeBytes: number;
}

/** Of all drives that answer, raw: before k+m takes its share. */
export function capacityOf(drives: readonly SeenDrive[]): Capacity {
  const totalBytes = drives.reduce((sum, drive) => sum + drive.totalBytes, 0);
  const freeBytes = drives.reduce((sum, drive) => sum + drive.freeBytes, 0);
  return { totalBytes, freeBytes, usedBytes: totalBytes - freeBytes };
}

/** How many failure domains may still be lost, for what was written at full strength. */
export function toleranceWords({ geometry, drives }: Pick<SeenStatus, "geometry" | "drives">): string {
  const isMissing = ({ condition }: SeenDrive): boolean => condition === "offline" || condition === "failed";
  const domains = new Set(drives.map(({ domain }) => domain));
  const missing = new Set(drives.filter(isMissing).map(({ domain }) => domain)).size;
  const noun = domains.size < drives.length ? "host" : "drive";
  const { m } = geometry;
  if (m === 0) return `No ${noun} may be lost.`;
  if (missing === 0) return `Any ${m} of the ${formatCounted(domains.size, noun)} may be lost.`;
  const left = Math.max(0, m - missing);
  const are = missing === 1 ? "is" : "are";
  return `${missing} of the ${formatCounted(domains.size, noun)} ${are} missing; ${left === 0 ? "no other" : `${left} more`} may be lost.`;
}

export interface Proof {
  readonly tone: "good" | "warn" | "bad" | "none";
  readonly headline: string;
  readonly detail: string;
}

export function proofOf({ census, geometry }: Pick<SeenStatus, "census" | "geometry">): Proof {
  if (census.provenMs === null)
    return { tone: "none", headline: "Not counted yet", detail: "The first count of all chunks has not ended." };
  const detail = `Counted ${localTime(census.provenMs)}`;
  const whole = `${geometry.k}+${geometry.m}`;
  if (census.lostCount > 0)
    return { tone: "bad", headline: `${formatCounted(census.lostCount, "chunk")} cannot be read`, detail };
  const short = census.chunkCount - (census.chunksByMissing[0] ?? 0);
  if (short > 0)
    return {
      tone: "warn",
      headline: `${formatCount(short)} of ${formatCounted(census.chunkCount, "chunk")} are short`,
      detail,
    };
  if (census.chunkCount === 0) return { tone: "good", headline: "No chunks to prove", detail };
  return { tone: "good", headline: `${formatCounted(census.chunkCount, "chunk")} proven ${whole}`, detail };
}

export function repairWords({ repair, nowMs }: Pick<SeenStatus, "repair" | "nowMs">): string {
  const { waitingCount, oldestWaitingMs, isPaused } = repair;
  if (waitingCount === 0) return isPaused ? "Nothing waits; repair is paused." : "Nothing waits to be repaired.";
  const age = oldestWaitingMs === null ? "" : `, the oldest for ${formatDuration(nowMs - oldestWaitingMs)}`;
  return `${formatCounted(waitingCount, "record")} wait${waitingCount === 1 ? "s" : ""}${age}${isPaused ? "; repair is paused" : ""}.`;
}

export function toneOfDrive({ condition }: SeenDrive): "good" | "warn" | "bad" {
  if (condition === "online") return "good";
  return condition === "offline" || condition === "failed" ? "bad" : "warn";
}

/** Drives by the node that has them, the one that reports first. */
export function byNode(
  drives: readonly SeenDrive[],
): readonly { readonly node: string; readonly drives: readonly SeenDrive[] }[] {
  const nodes = new Map<string, SeenDrive[]>();
  for (const drive of drives) {
    const node = drive.node ?? "this node";
    const known = nodes.get(node);
    if (known === undefined) nodes.set(node, [drive]);
    else known.push(drive);
  }
  return [...nodes].map(([node, its]) => ({ node, drives: its }));
}
