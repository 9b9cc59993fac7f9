import { assert, type DriveId } from "@kakera/kernel";
import type { DriveWeight } from "./choose-homes.ts";
import { hashText } from "./mix.ts";

/** The drives of a plan by index, in order of their ids, so that the order in which they were given changes nothing. */
export interface Roster {
  readonly drives: readonly DriveWeight[];
  readonly indexOf: ReadonlyMap<DriveId, number>;
  readonly hashes: readonly number[];
  readonly weights: readonly bigint[];
  /** Domain (by index, in order of their names) of a drive. */
  readonly domainOf: readonly number[];
  readonly drivesOfDomain: readonly (readonly number[])[];
  readonly domainWeights: readonly bigint[];
}

/** Throws when a drive is named twice or has a weight that is no whole number above 0. */
export function makeRoster(given: readonly DriveWeight[]): Roster {
  const drives = [...given].sort((a, b) => (a.driveId < b.driveId ? -1 : 1));
  const indexOf = new Map(drives.map(({ driveId }, index) => [driveId, index]));
  assert(indexOf.size === drives.length, "each drive of a plan is named once");
  for (const { weight } of drives) assert(Number.isSafeInteger(weight) && weight > 0, "weights are whole and above 0");
  const domains = [...new Set(drives.map(({ domain }) => domain))].sort((a, b) => (a < b ? -1 : 1));
  const domainIndexOf = new Map(domains.map((domain, index) => [domain, index]));
  const domainOf = drives.map(({ domain }) => domainIndexOf.get(domain) ?? 0);
  const drivesOfDomain: number[][] = domains.map(() => []);
  for (const [drive, domain] of domainOf.entries()) drivesOfDomain[domain]?.push(drive);
  const weights = drives.map(({ weight }) => BigInt(weight));
  return {
    drives,
    indexOf,
    hashes: drives.map(({ driveId }) => hashText(driveId)),
    weights,
    domainOf,
    drivesOfDomain,
    domainWeights: drivesOfDomain.map((members) => members.reduce((sum, drive) => sum + (weights[drive] ?? 0n), 0n)),
  };
}
