import { assert, createManualClock, type Clock } from "@kakera/kernel";

export interface PumpedClock {
  readonly clock: Clock;
  /** Time stands still from now on. */
  readonly stop: () => void;
}

const turnsPerStep = 8;
const stepMs = 0.25;
/** Half an hour of the world: who waits so long waits for ever. */
const stepsMax = 30 * 60 * 1_000 * (1 / stepMs);

/**
 * A clock for worlds in which every wait is a turn of the microtask queue, as in a crash world: its time passes with those turns, so that
 * timers come due between the steps of the I/O, at the same places for the same seed.
 */
export function startPumpedClock(): PumpedClock {
  const clock = createManualClock();
  let isStopped = false;
  const pump = async (): Promise<void> => {
    for (let step = 0; !isStopped; step += 1) {
      assert(step < stepsMax, "the world ends before its clock has run for half an hour");
      for (let turn = 0; turn < turnsPerStep; turn += 1) await Promise.resolve();
      clock.advance(stepMs);
    }
  };
  void pump();
  return { clock, stop: () => void (isStopped = true) };
}
