import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSeededRandom, idBytes, newId } from "@kakera/kernel";
import { HotBodies } from "../../src/read-path/hot-bodies.ts";

const random = createSeededRandom(16);
const freshId = (): Buffer => idBytes(newId("data", random));
/** Ids of one slot: its number comes from the first word. */
const neighbours = (count: number): Buffer[] => {
  const first = freshId().subarray(0, 4);
  return Array.from({ length: count }, () => Buffer.concat([first, freshId().subarray(4)]));
};

describe("hot bodies", () => {
  it("keep a body from the second time on that it is read", () => {
    const hot = new HotBodies(100);
    const id = freshId();
    hot.offer(id, "body");
    expect(hot.get(id)).toBeNull();
    hot.offer(id, "body");
    expect(hot.get(id)).toBe("body");
  });

  it("leave a kept one alone when others of its slot are read once each", () => {
    const hot = new HotBodies(100);
    const [kept, ...others] = neighbours(20) as [Buffer, ...Buffer[]];
    for (let time = 0; time < 2; time += 1) hot.offer(kept, "kept");
    for (const other of others) hot.offer(other, "other");
    expect(hot.get(kept)).toBe("kept");
    hot.offer(others.at(-1)!, "other");
    expect([hot.get(kept), hot.get(others.at(-1)!)]).toEqual([null, "other"]);
  });

  it("keep none that is longer than they may hold", () => {
    const hot = new HotBodies(3);
    const id = freshId();
    for (let time = 0; time < 3; time += 1) hot.offer(id, "body");
    expect(hot.get(id)).toBeNull();
  });

  it("tell ids apart by every byte, and know nothing of an id of zeros", () => {
    const hot = new HotBodies(100);
    expect(hot.get(Buffer.alloc(16))).toBeNull();
    const id = freshId();
    for (let time = 0; time < 2; time += 1) hot.offer(id, "body");
    for (let at = 0; at < 16; at += 1) {
      for (const bit of [1, 128]) {
        const other = Buffer.from(id);
        other[at]! ^= bit;
        expect(hot.get(other)).toBeNull();
      }
    }
  });

  it("never give one body for another, whatever is read in whatever order", () => {
    const ids = [...neighbours(4), ...neighbours(3), freshId()];
    fc.assert(
      fc.property(fc.array(fc.nat(ids.length - 1), { maxLength: 60 }), (reads) => {
        const hot = new HotBodies(100);
        for (const read of reads) {
          const found = hot.get(ids[read]!);
          if (found === null) hot.offer(ids[read]!, `body ${read}`);
          else expect(found).toBe(`body ${read}`);
        }
      }),
      { seed: 16, numRuns: 300 },
    );
  });
});
