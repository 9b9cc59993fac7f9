import type { DriveId } from "@kakera/kernel";
import { hashText, mix32 } from "./mix.ts";

export interface DriveWeight {
  readonly driveId: DriveId;
  /** Failure domain: at most one shard of a group in each. */
  readonly domain: string;
  /** Share of the data, any unit, > 0. */
  readonly weight: number;
}

/**
 * The homes of one placement group by weighted rendezvous hashing (each drive draws -ln(u)/weight from (group, drive);
 * the smallest draws win; as CRUSH's straw2 does): at most one per domain, ordered by draw, which
 * is the order of shard indexes. A home without a free domain is null (vacant).
 * `shardCount` = k + m. Pure: the same arguments always give the same homes.
 */
export function chooseHomes(group: number, drives: readonly DriveWeight[], shardCount: number): (DriveId | null)[] {
  const draws = drives.map((drive) => ({ drive, draw: drawOf(group, drive) }));
  draws.sort((a, b) => a.draw - b.draw || (a.drive.driveId < b.drive.driveId ? -1 : 1));
  const homes: (DriveId | null)[] = [];
  const domainsTaken = new Set<string>();
  for (const { drive } of draws) {
    if (homes.length === shardCount) break;
    if (domainsTaken.has(drive.domain)) continue;
    domainsTaken.add(drive.domain);
    homes.push(drive.driveId);
  }
  while (homes.length < shardCount) homes.push(null);
  return homes;
}

function drawOf(group: number, drive: DriveWeight): number {
  const uniform = (mix32(group, hashText(drive.driveId)) + 1) / (2 ** 32 + 1);
  return -Math.log(uniform) / drive.weight;
}
