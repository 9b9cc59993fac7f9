import { boundedDisk, createMemoryDisk, DriveSlowFailure, faultyDisk, type DiskCall } from "@kakera/disk";
import { ClusterFailure, createManualClock } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import { expectCode } from "./disk-contract.ts";

describe("boundedDisk()", () => {
  it("lets no more than callsMax calls reach the drive", async () => {
    const { disk, hangs, reached } = hangingDisk({ callsMax: 3, queuedCallsMax: 10 });
    const stats = Array.from({ length: 8 }, (_, index) => disk.stat(`a${index}`));
    await turns();
    expect(reached()).toEqual(["a0", "a1", "a2"]);
    expect(disk.callsUnderWay()).toBe(3);
    hangs.release("a1");
    await stats[1];
    await turns();
    expect(reached()).toEqual(["a0", "a1", "a2", "a3"]);
    for (let index = 0; index < 8; index += 1) {
      hangs.release(`a${index}`);
      await turns();
    }
    expect(await Promise.all(stats)).toEqual(Array.from({ length: 8 }, () => null));
    expect(disk.callsUnderWay()).toBe(0);
  });

  it("refuses a call that would be one too many in the queue", async () => {
    const { disk, hangs } = hangingDisk({ callsMax: 1, queuedCallsMax: 1 });
    const first = disk.stat("a");
    const second = disk.stat("b");
    await expect(disk.stat("c")).rejects.toBeInstanceOf(DriveSlowFailure);
    hangs.release("a");
    hangs.release("b");
    expect(await Promise.all([first, second])).toEqual([null, null]);
    expect(disk.isSuspect()).toBe(false);
  });

  it("rejects a call past its deadline, and then asks the drive nothing until it has answered", async () => {
    const { disk, hangs, reached, clock, events } = hangingDisk({ callsMax: 2, queuedCallsMax: 10 });
    const calls = ["a", "b", "c"].map((path) => outcomeOf(disk.stat(path)));
    clock.advance(99);
    await turns();
    expect(events).toEqual([]);
    clock.advance(1);
    for (const outcome of await Promise.all(calls)) {
      expect(outcome).toBeInstanceOf(ClusterFailure);
      expect(outcome).toMatchObject({ kind: "retry", reason: "DRIVE_SLOW" });
    }
    expect(events).toEqual(["suspect"]);
    await expect(disk.stat("d")).rejects.toBeInstanceOf(DriveSlowFailure);
    hangs.release("a");
    await turns();
    await expect(disk.stat("e")).rejects.toBeInstanceOf(DriveSlowFailure);
    expect(events).toEqual(["suspect"]);
    hangs.release("b");
    await turns();
    expect(events).toEqual(["suspect", "recovered"]);
    hangs.release("f");
    expect(await disk.stat("f")).toBeNull();
    expect(reached()).toEqual(["a", "b", "f"]);
  });

  it("does not suspect a drive for a long queue", async () => {
    const { disk, hangs, clock, events } = hangingDisk({ callsMax: 1, queuedCallsMax: 10 });
    const first = outcomeOf(disk.stat("a"));
    clock.advance(60);
    const second = outcomeOf(disk.stat("b"));
    const third = outcomeOf(disk.stat("c"));
    hangs.release("a");
    expect(await first).toBeNull();
    clock.advance(60);
    hangs.release("b");
    expect(await second).toBeNull();
    await turns();
    clock.advance(40);
    hangs.release("c");
    expect(await third).toBeNull();
    expect(events).toEqual([]);
  });

  it("rejects who waited a whole deadline in the queue, without blaming the drive", async () => {
    const { disk, hangs, clock, events } = hangingDisk({ callsMax: 1, queuedCallsMax: 10 });
    const slow = ["d", "e", "f"].map((path) => outcomeOf(disk.stat(path)));
    for (const path of ["d", "e"]) {
      clock.advance(70);
      hangs.release(path);
      await turns();
    }
    expect(await Promise.all(slow)).toEqual([null, null, expect.any(DriveSlowFailure)]);
    expect(events).toEqual([]);
  });

  it("keeps the buffer of a rejected call borrowed until the I/O has really ended", async () => {
    const { disk, hangs, clock } = hangingDisk({ callsMax: 2, queuedCallsMax: 10 });
    hangs.release("f");
    const file = await disk.open("f", { access: "create" });
    const failure = outcomeOf(file.write(new Uint8Array(8), 0));
    clock.advance(100);
    let isReleased = false;
    const { released } = (await failure) as DriveSlowFailure;
    const noted = released.then(() => (isReleased = true));
    await turns();
    expect(isReleased).toBe(false);
    hangs.release("f");
    await noted;
    expect(disk.callsUnderWay()).toBe(0);
    await new DriveSlowFailure("never begun").released;
  });

  it("closes a file that opened too late for anyone", async () => {
    const { disk, hangs, clock, calls } = hangingDisk({ callsMax: 2, queuedCallsMax: 10 });
    const opening = outcomeOf(disk.open("f", { access: "create" }));
    clock.advance(100);
    expect(await opening).toBeInstanceOf(DriveSlowFailure);
    hangs.release("f");
    await disk.settled();
    await turns();
    expect(calls.map((call) => call.operation)).toEqual(["open", "close"]);
  });

  it("neither blocks on a suspect drive nor forgets to close its files", async () => {
    const { disk, hangs, clock, calls } = hangingDisk({ callsMax: 2, queuedCallsMax: 10 });
    hangs.release("f");
    const file = await disk.open("f", { access: "create" });
    const hung = outcomeOf(disk.stat("x"));
    clock.advance(100);
    expect(await hung).toBeInstanceOf(DriveSlowFailure);
    expect(() => file.readSync(new Uint8Array(1), 0)).toThrow(DriveSlowFailure);
    await expect(file.close()).rejects.toBeInstanceOf(DriveSlowFailure);
    expect(calls.at(-1)?.operation).toBe("stat");
    hangs.release("x");
    hangs.release("f");
    await disk.settled();
    await turns();
    expect(calls.at(-1)?.operation).toBe("close");
  });

  it("passes the disk's own errors on", async () => {
    const { disk, hangs } = hangingDisk({ callsMax: 2, queuedCallsMax: 10 });
    hangs.release("none");
    await expectCode(disk.open("none", { access: "read" }), "ENOENT");
    expect(disk.callsUnderWay()).toBe(0);
  });
});

/** A bounded disk with a deadline of 100 ms, whose calls end only when their path is released (once for each call). */
function hangingDisk(limits: { callsMax: number; queuedCallsMax: number }) {
  const clock = createManualClock();
  const events: string[] = [];
  const calls: DiskCall[] = [];
  const waiting = new Map<string, (() => void)[]>();
  const credits = new Map<string, number>();
  const hangs = {
    release(path: string) {
      const next = waiting.get(path)?.shift();
      if (next !== undefined) next();
      else credits.set(path, (credits.get(path) ?? 0) + 1);
    },
  };
  const inner = faultyDisk(createMemoryDisk(), (call) => {
    calls.push(call);
    const credit = credits.get(call.path) ?? 0;
    if (credit > 0) {
      credits.set(call.path, credit - 1);
      return null;
    }
    const until = new Promise<void>((resolve) => waiting.set(call.path, [...(waiting.get(call.path) ?? []), resolve]));
    return { kind: "hang", until };
  });
  const disk = boundedDisk(inner, {
    ...limits,
    deadlineMs: 100,
    clock,
    onSuspect: () => events.push("suspect"),
    onRecovered: () => events.push("recovered"),
  });
  return {
    disk,
    hangs,
    clock,
    events,
    calls,
    /** The paths of the calls that came to the drive, in order. */
    reached: () => calls.map((call) => call.path),
  };
}

async function outcomeOf(attempt: Promise<unknown>): Promise<unknown> {
  try {
    return await attempt;
  } catch (error) {
    return error;
  }
}

/** Lets every promise that can go on go on. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}
