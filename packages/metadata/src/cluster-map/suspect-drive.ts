import type { ChangeId, DriveId } from "@kakera/kernel";
import { keys, ranges } from "../key-space.ts";
import type { Change, Compare } from "../ports/commit-log.ts";
import type { View } from "../ports/view.ts";
import { declareDrive } from "./declare-drive.ts";
import { decodeDrive, decodeGroup, decodePool } from "./map-rows.ts";

/** More than any machine has. */
const poolsMax = 1_000;

/**
 * The change that declares a MEMBER drive SUSPECT for nothing but a writer's impatience. "declared": there is nothing left to
 * declare; "needed": in some placement group fewer than k homes would be members without it. It compares the records of all
 * drives that share a group with it, so that of two writers which blame different drives at one moment the second one is
 * refused, and judges anew.
 */
export function suspectDrive(
  view: View,
  driveId: DriveId,
  declaration: { readonly nowMs: number; readonly changeId: ChangeId },
): Change | "declared" | "needed" {
  const change = declareDrive(view, driveId, { ...declaration, standing: "SUSPECT" });
  if (change === null) return "declared";
  const siblings = new Map<DriveId, Compare | null>();
  const isMember = (home: DriveId): boolean => {
    let compare = siblings.get(home);
    if (compare === undefined) {
      compare = compareOfMember(view, home);
      siblings.set(home, compare);
    }
    return compare !== null;
  };
  for (const { homes, k } of groupsWithHome(view, driveId)) {
    if (homes.filter((home) => home !== driveId && isMember(home)).length < k) return "needed";
  }
  const compares = [...siblings.values()].filter((compare) => compare !== null);
  return { ...change, compares: [...change.compares, ...compares] };
}

function compareOfMember(view: View, driveId: DriveId): Compare | null {
  const key = keys.drive(driveId);
  const entry = view.get(key);
  if (entry === null || decodeDrive(entry.value, entry.revision).standing !== "MEMBER") return null;
  return { key, revision: entry.revision };
}

interface GroupHomes {
  readonly homes: readonly DriveId[];
  readonly k: number;
}

/** The occupied homes of every group in which the drive is one. */
function groupsWithHome(view: View, driveId: DriveId): GroupHomes[] {
  const found: GroupHomes[] = [];
  const { from, to } = ranges.table("pool");
  for (const { value } of view.range(from, to, poolsMax)) {
    const { pool, firstGroup, groupCount, geometry } = decodePool(value);
    for (let group = firstGroup; group < firstGroup + groupCount; group++) {
      const entry = view.get(keys.group(pool, group));
      if (entry === null) continue;
      const homes = decodeGroup(entry.value).homes.filter((home) => home !== null);
      if (homes.includes(driveId)) found.push({ homes, k: geometry.k });
    }
  }
  return found;
}
