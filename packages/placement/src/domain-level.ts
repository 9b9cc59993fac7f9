import { geometryForDomains, type DriveId, type Geometry } from "@kakera/kernel";
import type { DriveWeight } from "./choose-homes.ts";

/** What fails as one, and of which no two hold shards of one group; coarsest first. */
export type DomainLevel = "zone" | "rack" | "host" | "drive";

/** A drive and where it stands. */
export interface LocatedDrive {
  readonly driveId: DriveId;
  /** As the operator named it; null: not named. */
  readonly zone: string | null;
  /** Within its zone: racks of one name in two zones are two racks. */
  readonly rack: string | null;
  /** Of one name in the whole cluster. */
  readonly host: string;
  /** Its capacity: its share of the data. A whole number of bytes, > 0. */
  readonly weightBytes: number;
}

/** With fewer, keeping shards apart by host would leave no parity worth having. */
const hostsMin = 3;

/**
 * The level at which shards are kept apart: the host when there are at least three of them, else the drive. A zone, or
 * else a rack, instead of the host, when
 *  - every drive names one, and no host has drives in two (else two of the coarser domains could fail with one host), and
 *  - there are at least k+m of them, so that no home stays vacant for the coarser level. `geometry`: what the pool is formed
 *    with; without one, what so many hosts would be given: a name must not cost parity (three
 *    zones of four hosts stay 8+4 by host).
 * The level is fixed with the pool, as the geometry is.
 */
export function domainLevel(drives: readonly LocatedDrive[], geometry: Geometry | null = null): DomainLevel {
  const hostCount = countDomains(drives, "host");
  if (hostCount < hostsMin) return "drive";
  const { k, m } = geometry ?? geometryForDomains(hostCount);
  for (const level of ["zone", "rack"] as const)
    if (isNamed(drives, level) && countDomains(drives, level) >= k + m) return level;
  return "host";
}

/** The drives with the name of their failure domain at a level, as the planner takes them. */
export function domainsOf(drives: readonly LocatedDrive[], level: DomainLevel): DriveWeight[] {
  return drives.map((drive) => ({
    driveId: drive.driveId,
    domain: domainOf(drive, level),
    weight: drive.weightBytes,
  }));
}

/** A pool made at `level` has so many failure domains. */
export function countDomains(drives: readonly LocatedDrive[], level: DomainLevel): number {
  return new Set(drives.map((drive) => domainOf(drive, level))).size;
}

function domainOf(drive: LocatedDrive, level: DomainLevel): string {
  if (level === "zone") return drive.zone ?? "";
  if (level === "rack") return JSON.stringify([drive.zone ?? "", drive.rack ?? ""]);
  return level === "host" ? drive.host : drive.driveId;
}

function isNamed(drives: readonly LocatedDrive[], level: "zone" | "rack"): boolean {
  const domainOfHost = new Map<string, string>();
  for (const drive of drives) {
    if ((drive[level] ?? "") === "") return false;
    const domain = domainOf(drive, level);
    if ((domainOfHost.get(drive.host) ?? domain) !== domain) return false;
    domainOfHost.set(drive.host, domain);
  }
  return true;
}
