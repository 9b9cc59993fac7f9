import { describe, expect, test } from "vitest";
import { createManualClock, setPatientTimer, type Clock, type DriveId } from "@kakera/kernel";
import { WriteGrace } from "../../src/write-path/write-grace.ts";

const [a, b, c, d] = ["a", "b", "c", "d"] as DriveId[] as [DriveId, DriveId, DriveId, DriveId];
const graceOver = (clock: Clock): WriteGrace => new WriteGrace(clock, { minMs: 250, maxMs: 7_500 });

describe("the grace of a write", () => {
  test("is the least that is set while drives are quick", () => {
    const grace = graceOver(createManualClock());
    expect(grace.graceMs(a, 3)).toBe(250);
    for (const driveId of [a, b, c, d]) grace.record(driveId, 5);
    expect(grace.graceMs(a, 3)).toBe(250);
  });

  test("is twice what its siblings took, or what most other drives took lately, up to a bound", () => {
    const grace = graceOver(createManualClock());
    expect(grace.graceMs(a, 1_000)).toBe(2_000);
    for (const driveId of [b, c, d]) grace.record(driveId, 1_500);
    grace.record(b, 10);
    expect(grace.graceMs(a, 20)).toBe(3_000);
    expect(grace.graceMs(a, 60_000)).toBe(7_500);
  });

  test("is not stretched by the slow drive itself, nor by one other", () => {
    const grace = graceOver(createManualClock());
    for (const driveId of [a, b, c, d]) grace.record(driveId, 5);
    grace.record(a, 5_000);
    expect(grace.graceMs(a, 5)).toBe(250);
    expect(grace.graceMs(b, 5)).toBe(250);
  });

  test("forgets a slow time when it is over", () => {
    const clock = createManualClock();
    const grace = graceOver(clock);
    for (const driveId of [b, c, d]) grace.record(driveId, 1_500);
    clock.advance(5_000);
    expect(grace.graceMs(a, 20)).toBe(1_500);
    clock.advance(20_000);
    expect(grace.graceMs(a, 20)).toBe(250);
  });
});

describe("a patient timer", () => {
  /** A clock whose process stands still for `stallMs` when its next timer is due. */
  function stallingClock() {
    const clock = createManualClock();
    let stalledMs = 0;
    let stallMs = 0;
    const monotonicMs = (): number => clock.monotonicMs() + stalledMs;
    return {
      advance: (byMs: number): void => clock.advance(byMs),
      stallBy: (ms: number): void => void (stallMs = ms),
      clock: {
        ...clock,
        monotonicMs,
        setTimer: (delayMs: number, callback: () => void) =>
          clock.setTimer(delayMs, () => {
            stalledMs += stallMs;
            callback();
          }),
      } satisfies Clock,
    };
  }

  test("goes off when its time is over", () => {
    const { clock, advance } = stallingClock();
    let count = 0;
    setPatientTimer(clock, 250, () => count++);
    advance(249);
    expect(count).toBe(0);
    advance(1);
    expect(count).toBe(1);
    advance(1_000);
    expect(count).toBe(1);
  });

  test("gives the time again in which the process stood still, and no more", () => {
    const { clock, advance, stallBy } = stallingClock();
    let count = 0;
    setPatientTimer(clock, 250, () => count++);
    stallBy(100);
    advance(250);
    stallBy(0);
    advance(99);
    expect(count).toBe(0);
    advance(1);
    expect(count).toBe(1);
  });

  test("goes off in the end, however busy the process is, and never once it is cancelled", () => {
    const { clock, advance, stallBy } = stallingClock();
    let count = 0;
    stallBy(10_000);
    setPatientTimer(clock, 250, () => count++);
    const cancelled = setPatientTimer(clock, 250, () => count++);
    advance(250);
    cancelled.cancel();
    advance(750);
    expect(count).toBe(1);
  });
});
