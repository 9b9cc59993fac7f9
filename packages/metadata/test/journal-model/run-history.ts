import type { BrokenRule } from "./broken-rules.ts";
import { advanceSlow, commit } from "./commit.ts";
import type { Geometry } from "./geometries.ts";
import { checkpoint, rejoin } from "./refill.ts";
import { readWithFewest, start } from "./start.ts";
import { World } from "./world.ts";

/**
 * A random model of the journal over its real decisions (src/journal/rules.ts): drives that are absent, slow, failing, emptied;
 * processes killed and power cut at any step of a commit, a refill or a start; starts that can only read. What it leaves
 * out: bytes, files, the view.
 */
export interface Violation {
  readonly seed: number;
  readonly what: string;
}

const stepsPerHistory = 26;
/** Choices of survivors that are tried at the end, one after the other. */
const lastReads = 3;

/** One history; null when every acknowledged batch, and everything that was once answered, was still there at each start. */
export function runHistory(seed: number, geometry: Geometry, broken: BrokenRule | null): Violation | null {
  const world = new World(seed, geometry, broken);
  for (let count = 0; count < stepsPerHistory && world.violation === null; count++) step(world);
  if (world.violation === null) end(world);
  return world.violation === null ? null : { seed, what: world.violation };
}

function step(world: World): void {
  const roll = world.dice.fraction();
  if (world.live === null) {
    if (roll < 0.6) start(world);
    else if (roll < 0.8) world.returnDrive();
    else if (roll < 0.9) world.loseDrive();
    else world.cutPower();
  } else if (roll < 0.52) commit(world);
  else if (roll < 0.62) advanceSlow(world);
  else if (roll < 0.7) world.loseDrive();
  else if (roll < 0.78) world.returnDrive();
  else if (roll < 0.84) rejoin(world);
  else if (roll < 0.88) checkpoint(world);
  else if (roll < 0.94) world.kill();
  else world.cutPower();
}

/** In the end every drive that is not lost comes back: all that was told must be there, and any few of them can show it. */
function end(world: World): void {
  world.cutPower();
  for (const drive of world.drives) drive.isAbsent = false;
  world.dice.isCalm = true;
  if (world.wasFormed && !world.isBeyondTolerance) {
    for (let count = 0; count < lastReads && world.violation === null; count++) readWithFewest(world);
    if (world.violation !== null) return;
  }
  start(world);
  if (world.live === null && !world.isBeyondTolerance && world.violation === null)
    world.violation = "does not start though every drive is there";
}
