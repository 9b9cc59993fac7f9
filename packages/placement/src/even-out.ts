import { assert } from "@kakera/kernel";
import { findCheapestPath, shardsMovedBy, type PathEnds, type Replacement } from "./find-cheapest-path.ts";
import type { Roster } from "./make-roster.ts";
import type { Share } from "./share-slots.ts";
import type { WorkingTable } from "./working-table.ts";

/**
 * Brings the drives to their shares, where that takes more than handing slots over: a drive with too many gives a slot to
 * one that gives another to one ... that has too few. Each such path is the cheapest there is (successive shortest paths: Ahuja,
 * Magnanti, Orlin, "Network Flows", 9.7), given that before it one shard was moved for each slot that a drive lacked.
 * Where only paths are left that move more than one shard for a slot, drives that are near enough to their shares are let
 * be, and others may come as near as that. No home stays vacant for it.
 */
export function evenOut(table: WorkingTable, roster: Roster, shares: readonly Share[]): void {
  const findPath = (ends: PathEnds): Replacement[] | null => findCheapestPath(table, roster, ends);
  for (;;) {
    const { over, under } = judgeDrives(table, shares);
    const path = findPath({ from: over, to: under });
    if (path === null || shardsMovedBy(table, path) > 1) break;
    walk(table, path);
  }
  for (;;) {
    const { over, under, tooFull, tooEmpty, withRoom, withSpare } = judgeDrives(table, shares);
    const path =
      findPath({ from: tooFull, to: [...under, ...withRoom] }) ??
      findPath({ from: [...over, ...withSpare], to: tooEmpty });
    if (path === null) break;
    walk(table, path);
  }
  assert(isNearEnough(table, shares), "every drive can be brought near its share");
}

/** Every drive is near its share, and no home is vacant that could be filled. */
export function isNearEnough(table: WorkingTable, shares: readonly Share[]): boolean {
  const { tooFull, tooEmpty } = judgeDrives(table, shares);
  return tooFull.length === 0 && tooEmpty.length === 0;
}

function walk(table: WorkingTable, path: readonly Replacement[]): void {
  for (const { group, leaving, coming } of path) table.replace(group, leaving, coming);
}

interface Judged {
  /** More slots than its share, and fewer. */
  readonly over: number[];
  readonly under: number[];
  /** Not near enough to it. */
  readonly tooFull: number[];
  readonly tooEmpty: number[];
  /** Near enough also with a slot more, and with one fewer. */
  readonly withRoom: number[];
  readonly withSpare: number[];
}

function judgeDrives(table: WorkingTable, shares: readonly Share[]): Judged {
  const judged: Judged = { over: [], under: [], tooFull: [], tooEmpty: [], withRoom: [], withSpare: [] };
  let missingCount = 0;
  for (const [drive, { slots, slotsMin, slotsMax }] of shares.entries()) {
    const count = table.countOf(drive);
    missingCount += slots - count;
    if (count > slots) judged.over.push(drive);
    if (count < slots) judged.under.push(drive);
    if (count > slotsMax) judged.tooFull.push(drive);
    if (count < slotsMin) judged.tooEmpty.push(drive);
    if (count < slotsMax) judged.withRoom.push(drive);
    if (count > slotsMin) judged.withSpare.push(drive);
  }
  // All shares together are as many slots as can be filled.
  if (missingCount > 0) {
    judged.over.push(table.vacant);
    judged.tooFull.push(table.vacant);
  }
  return judged;
}
