import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createManualClock, type DataId, type DriveId } from "@kakera/kernel";
import { RepairBacklog } from "../src/repair/repair-backlog.ts";

const create = (itemsMax: number) => {
  const clock = createManualClock();
  let damageCount = 0;
  const backlog = new RepairBacklog({ clock, onDamage: () => damageCount++ }, { itemsMax });
  return { clock, backlog, damages: () => damageCount };
};
const dataId = (index: number): DataId => index.toString(16).padStart(32, "0") as DataId;
const driveId = "d".repeat(32) as DriveId;

describe("the repair backlog", () => {
  test("never holds more than it may, and keeps the most urgent of what it was told", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 60 }), (spares) => {
        const { backlog } = create(10);
        for (const [index, spareShards] of spares.entries())
          backlog.add({ dataId: dataId(index), chunkIndex: 0, group: 0, spareShards });
        expect(backlog.waitingCount).toBe(Math.min(10, spares.length));
        const kept: number[] = [];
        for (let item = backlog.next(); item !== null; item = backlog.next()) {
          kept.push(item.spareShards);
          backlog.done(item);
        }
        expect(kept).toEqual([...spares].sort((a, b) => a - b).slice(0, 10));
      }),
    );
  });

  test("holds a chunk once, with all that was found of it", () => {
    const { backlog, damages } = create(10);
    const ref = { group: 4, dataId: dataId(1), chunkIndex: 2, shardIndex: 0 };
    backlog.report({ ref, driveId, why: "missing" });
    backlog.report({ ref: { ...ref, shardIndex: 1 }, driveId, why: "damaged" });
    backlog.add({ ...ref, spareShards: 0, strays: [{ shardIndex: 3, driveId }] });
    expect(backlog.waitingCount).toBe(1);
    expect(damages()).toBe(1);
    const item = backlog.next()!;
    expect([item.spareShards, [...item.damaged], [...item.strays.get(driveId)!]]).toEqual([0, [[1, driveId]], [3]]);
  });

  test("wakes who waits for an addition, once", () => {
    const { backlog } = create(10);
    let wakes = 0;
    backlog.onAddition(() => wakes++);
    for (const index of [1, 2]) backlog.add({ dataId: dataId(index), chunkIndex: 0, group: 0, spareShards: 1 });
    expect(wakes).toBe(1);
  });

  test("puts an item off, but for nothing when a drive came back while it was in hand", () => {
    const { backlog, clock } = create(10);
    backlog.add({ dataId: dataId(1), chunkIndex: 0, group: 0, spareShards: 1 });
    const first = backlog.next()!;
    backlog.putOff(first, 60_000);
    expect(backlog.next()).toBeNull();
    clock.advance(60_000);
    const second = backlog.next()!;
    // What it was found to wait for may be there by now.
    backlog.hurry();
    backlog.putOff(second, 60_000);
    const third = backlog.next()!;
    expect(third).toBe(first);
    backlog.putOff(third, 60_000);
    expect(backlog.next()).toBeNull();
  });

  test("puts an item that is tried in vain off for longer each time, up to a bound, and anew after a hurry", () => {
    const { backlog, clock } = create(10);
    backlog.add({ dataId: dataId(1), chunkIndex: 0, group: 0, spareShards: 1 });
    const waits = (): number[] =>
      Array.from({ length: 6 }, () => {
        backlog.putOffAgain(backlog.next()!, 30_000);
        let waitedMs = 0;
        for (; backlog.next() === null; waitedMs += 1_000) clock.advance(1_000);
        return waitedMs;
      });
    expect(waits()).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    backlog.hurry();
    expect(waits().slice(0, 2)).toEqual([2_000, 4_000]);
  });

  test("puts an item off for nothing when another of its shards was found damaged while it was in hand, but once for each", () => {
    const { backlog } = create(10);
    const ref = { group: 4, dataId: dataId(1), chunkIndex: 2, shardIndex: 0 };
    backlog.report({ ref, driveId, why: "damaged" });
    const first = backlog.next()!;
    const other = { ref: { ...ref, shardIndex: 1 }, driveId, why: "damaged" } as const;
    // A rebuild met it, and failed for want of sources.
    backlog.report(other);
    backlog.putOff(first, 60_000);
    const second = backlog.next()!;
    expect(second).toBe(first);
    backlog.report(other);
    backlog.putOff(second, 60_000);
    expect(backlog.next()).toBeNull();
  });
});
