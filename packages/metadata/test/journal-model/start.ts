import {
  chooseTail,
  drivesNeededToStart,
  genesis,
  nextTerm,
  provenLength,
  type Base,
} from "../../src/journal/rules.ts";
import { refill } from "./refill.ts";
import type { Batch, Drive, Live, World } from "./world.ts";

interface Journal {
  readonly chain: readonly Batch[];
  readonly bases: readonly Base[];
}

/** A new term over the drives that are there; with too few for that, what is proven is shown; with fewer yet, nothing. */
export function start(world: World): void {
  const members = presentMembers(world);
  const journal = findJournal(world, members);
  if (journal === null) return;
  if (members.length < world.needed) return showProven(world, members, journal);
  const { dice } = world;
  const batches = members.flatMap((drive) => drive.entries.map((entry) => entry.batch));
  const promises = world.broken === "use a term before it is promised" ? [] : members.map((drive) => drive.promised);
  const term = nextTerm(promises, batches);
  let promisedCount = 0;
  for (const drive of members) {
    if (dice.chance(0.04)) return world.kill();
    if (dice.chance(0.02)) continue;
    drive.promised = term;
    promisedCount++;
  }
  if (promisedCount < world.needed) return showProven(world, members, journal);
  const joined: Drive[] = [];
  for (const drive of members) {
    if (drive.promised !== term) continue;
    if (world.broken !== "answer before the tail is copied") {
      const outcome = refill(world, drive, journal);
      if (outcome === "crashed") return;
      if (outcome === "failed") continue;
    }
    joined.push(drive);
  }
  if (joined.length < world.needed) return showProven(world, members, journal);
  openTerm(world, joined, { term, journal, members });
}

/** The term's first batch, durable on enough drives before anything is answered. */
function openTerm(
  world: World,
  joined: readonly Drive[],
  found: { readonly term: number; readonly journal: Journal; readonly members: readonly Drive[] },
): void {
  const { dice } = world;
  const { term, journal } = found;
  const opening = world.batchAfter(journal.chain.at(-1) ?? null, term);
  const opened: Live[] = [];
  for (const drive of joined) {
    if (dice.chance(0.05)) return dice.chance(0.5) ? world.kill() : world.cutPower();
    if (dice.chance(0.03)) {
      drive.entries.push({ batch: opening, isDurable: false });
      continue;
    }
    drive.entries.push({ batch: opening, isDurable: true });
    opened.push(world.liveFrom(drive, opening.sequence));
  }
  if (opened.length < world.needed) return showProven(world, found.members, journal);
  checkAnswered(world, journal);
  world.live = opened;
  [world.term, world.last, world.answered, world.wasFormed] = [term, opening, opening, true];
}

/**
 * A start that ends without a term: nothing is written, and what surely lies on enough drives is shown. What the last batch
 * changed, when that is open to doubt, is neither shown nor denied.
 */
function showProven(world: World, members: readonly Drive[], { chain, bases }: Journal): void {
  if (!world.wasFormed) return;
  let shownLength = provenLength(chain, (last) => isProven(last, members, bases));
  if (world.broken === "show the last batch without a proof") shownLength = chain.length;
  if (world.broken === "copy the last batch to every drive that is there, and show it") {
    for (const drive of members) if (refill(world, drive, { chain, bases }) !== "whole") return;
    shownLength = chain.length;
  }
  const isDenied = world.broken === "deny the last batch when it lacks a proof";
  checkAnswered(world, { chain: isDenied ? chain.slice(0, shownLength) : chain, bases });
  const last = chain[shownLength - 1];
  // Otherwise it was told before: it is there, or has just been missed.
  if (last !== undefined && (world.answered?.sequence ?? 0) < last.sequence) world.answered = last;
}

function isProven(last: Batch, members: readonly Drive[], bases: readonly Base[]): boolean {
  return (
    members.some((drive) => drive.noted === last.checksum) || bases.some((base) => base.checksum === last.checksum)
  );
}

/**
 * Reads with as many drives absent as may be: they must be possible, whoever the survivors are, and must show one and the
 * same past. Called at the end of a history, with every drive that is not lost back.
 */
export function readWithFewest(world: World): void {
  const { dice, drives, geometry } = world;
  const lostCount = drives.filter((drive) => drive.isNewcomer).length;
  const candidates = drives.filter((drive) => !drive.isNewcomer);
  for (let left = geometry.tolerance - lostCount; left > 0; left--) {
    const drive = candidates.splice(Math.floor(dice.fraction() * candidates.length), 1)[0] as Drive;
    drive.isAbsent = true;
  }
  const members = presentMembers(world);
  const journal = findJournal(world, members);
  if (journal === null) world.violation ??= "shows nothing though no more drives are absent than may be";
  else showProven(world, members, journal);
  if (geometry.memberCount > 2 * geometry.tolerance && members.length < world.needed)
    world.violation ??= "lacks drives for a term though no more are absent than may be";
  for (const drive of drives) drive.isAbsent = false;
}

function presentMembers(world: World): Drive[] {
  return world.drives.filter((drive) => drive.isMember && !drive.isAbsent);
}

/** null: too few drives are there, or something is damaged. */
function findJournal(world: World, members: readonly Drive[]): Journal | null {
  const { driveCount, tolerance } = world.geometry;
  const counts = (drive: Drive): boolean =>
    !drive.isAbsent && (!drive.isNewcomer || world.broken === "count a drive that is being refilled");
  const present = world.drives.filter(counts).length;
  const neededToStart = world.broken === "start with any drive" ? 1 : drivesNeededToStart(driveCount, tolerance);
  if (world.wasFormed ? present < neededToStart : present < driveCount) return null;
  const tail = chooseTail(
    members.flatMap((drive) => drive.entries.map((entry) => entry.batch)),
    members.flatMap((drive) => drive.bases),
  );
  if (tail.kind === "damaged" || (tail.kind === "empty" && world.wasFormed)) {
    if (!world.isBeyondTolerance) world.violation = `refuses to start (${tail.kind}) within its tolerance`;
    return null;
  }
  return tail.kind === "tail" ? tail : { chain: [], bases: [genesis] };
}

function checkAnswered(world: World, { chain, bases }: Journal): void {
  const { answered } = world;
  if (answered === null) return;
  const first = chain[0];
  const isThere =
    bases.some((base) => base.checksum === answered.checksum) ||
    (first !== undefined &&
      (answered.sequence < first.sequence ||
        chain[answered.sequence - first.sequence]?.checksum === answered.checksum));
  if (!isThere)
    world.violation = `batch ${answered.sequence} of term ${answered.term} was acknowledged or read, and is gone`;
}
