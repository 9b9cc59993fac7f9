import type { Clock } from "../ports/clock.ts";

export interface ManualClock extends Clock {
  /** Moves time forward and runs the timers that came due, in order. */
  advance(byMs: number): void;
}

/** A clock that moves only when a test says so. */
export function createManualClock(startMs = 1_700_000_000_000): ManualClock {
  let elapsedMs = 0;
  let serial = 0;
  const timers = new Map<number, { dueMs: number; callback: () => void }>();
  return {
    nowMs: () => startMs + Math.floor(elapsedMs),
    monotonicMs: () => elapsedMs,
    setTimer(delayMs, callback) {
      const id = serial++;
      timers.set(id, { dueMs: elapsedMs + Math.max(0, delayMs), callback });
      return { cancel: () => timers.delete(id) };
    },
    // Promises are all that such a clock's world runs on.
    atTurnEnd: (callback) => queueMicrotask(callback),
    advance(byMs) {
      const untilMs = elapsedMs + byMs;
      for (;;) {
        const due = [...timers]
          .filter(([, timer]) => timer.dueMs <= untilMs)
          .sort((a, b) => a[1].dueMs - b[1].dueMs || a[0] - b[0])[0];
        if (due === undefined) break;
        timers.delete(due[0]);
        elapsedMs = Math.max(elapsedMs, due[1].dueMs);
        due[1].callback();
      }
      elapsedMs = untilMs;
    },
  };
}
