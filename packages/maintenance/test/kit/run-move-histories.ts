import { expect } from "vitest";
import { MoveWorld } from "./move-world.ts";

const stepsPerHistory = 250;

/** Runs histories of these seeds, in which nothing may be wrong. Returns how much happened. */
export async function runMoveHistories(firstSeed: number, count: number): Promise<MoveWorld["counts"]> {
  const totals = { reads: 0, puts: 0, deletes: 0, plans: 0, kills: 0, moved: 0 };
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const world = await MoveWorld.form(seed);
    for (let step = 0; step < stepsPerHistory; step++) await world.take();
    const wrongs = await world.settle();
    expect({ seed, wrongs }).toEqual({ seed, wrongs: [] });
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += world.counts[name];
  }
  return totals;
}
