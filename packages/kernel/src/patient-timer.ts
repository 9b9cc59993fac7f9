import type { Clock, Timer } from "./ports/clock.ts";

/** Later than this a timer goes off only when the process had no time for anything. */
const lagMsMax = 50;
/** However busy the machine is, it goes off in the end. */
const repeatsMax = 3;

/**
 * A timer for what others are late with. When it goes off late itself, the process stood still: what came meanwhile has not
 * been looked at yet, and what was to be done for it not been done. Then that time is given again.
 */
export function setPatientTimer(clock: Clock, delayMs: number, callback: () => void): Timer {
  let repeats = 0;
  let timer: Timer;
  const set = (ms: number): void => {
    const dueAtMs = clock.monotonicMs() + ms;
    timer = clock.setTimer(ms, () => {
      const lagMs = clock.monotonicMs() - dueAtMs;
      if (lagMs <= lagMsMax || repeats++ === repeatsMax) callback();
      else set(Math.min(lagMs, delayMs));
    });
  };
  set(delayMs);
  return { cancel: () => timer.cancel() };
}
