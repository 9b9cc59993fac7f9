import type { DriveId } from "@kakera/kernel";
import type { ClusterMap, MappedDrive } from "@kakera/metadata";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";

/** A machine that lives, and the drives that it has open. */
export interface NodeDrives {
  readonly host: string;
  readonly rack: string | null;
  readonly zone: string | null;
  readonly drives: readonly { readonly driveId: DriveId; readonly sizeBytes: number }[];
}

/** A drive that a node has and that is nobody's home yet. */
export interface UnplacedDrive {
  readonly driveId: DriveId;
  readonly weightBytes: number;
  readonly domain: string;
  readonly host: string;
  readonly rack: string | null;
  readonly zone: string | null;
}

/** Those that are named, by host or id; all of them when nothing is named. Throws CommandFailure for a name of none. */
export function findUnplaced(
  { map, nodes }: { readonly map: ClusterMap; readonly nodes: readonly NodeDrives[] },
  names: readonly string[],
): UnplacedDrive[] {
  const byHost = map.writePool()?.domainLevel === "host";
  const all = nodes.flatMap(({ drives, host, rack, zone }) =>
    drives.map(({ driveId, sizeBytes }): UnplacedDrive => {
      return { driveId, weightBytes: Math.max(1, sizeBytes), domain: byHost ? host : driveId, host, rack, zone };
    }),
  );
  // What the log knows as gone never comes back under its id: what it may hold was given up.
  const unplaced = all.filter(({ driveId }) => map.drive(driveId) === null && isOfOneNode(driveId, all));
  unplaced.sort((a, b) => (a.driveId < b.driveId ? -1 : 1));
  const found = names.flatMap((name) => named(name, unplaced, "drives that hold nothing yet"));
  return names.length === 0 ? unplaced : unplaced.filter((drive) => found.includes(drive));
}

/** Drives of the cluster that are named, by host or id. Throws CommandFailure for a name of none, and when nothing is named. */
export function findLeaving(map: ClusterMap, names: readonly string[]): MappedDrive[] {
  if (names.length === 0) throw refused("which drives are to leave was not said", "kakera drive ls");
  const found = names.flatMap((name) => named(name, map.drives(), "drives of the cluster"));
  return map.drives().filter((drive) => found.includes(drive));
}

/** One that two nodes name is neither's: one of them is a copy (correctness.md F24). */
function isOfOneNode(driveId: DriveId, all: readonly UnplacedDrive[]): boolean {
  return all.filter((other) => other.driveId === driveId).length === 1;
}

function named<Drive extends { readonly driveId: DriveId; readonly host: string }>(
  name: string,
  drives: readonly Drive[],
  what: string,
): Drive[] {
  const found = drives.filter(({ driveId, host }) => driveId === name || (host !== "" && host === name));
  if (found.length > 0) return found;
  throw refused(`${name} names none of the ${what}`, "kakera drive ls");
}

export function refused(sentence: string, remedy: string): CommandFailure {
  return new CommandFailure("REFUSED", sentence, { exitCode: exitCodes.refused, remedy });
}
