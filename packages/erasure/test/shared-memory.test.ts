import { AssertionFailure, ClusterFailure } from "@kakera/kernel";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createSharedMemory,
  kernelRegionSizeBytes,
  slabAlignmentBytes,
  slabSizeBytesMax,
  type SharedMemory,
  type Slab,
} from "../src/index.ts";

const mebibyte = 1024 * 1024;

/** What the slabs of a run of asks and releases have to be, step by step. */
class Held {
  readonly memory: SharedMemory;
  readonly slabs: Slab[] = [];

  constructor(sizeBytes: number) {
    this.memory = createSharedMemory({ sizeBytes });
  }

  acquire(sizeBytes: number): void {
    const freeBytes = this.memory.freeBytes;
    let slab: Slab;
    try {
      slab = this.memory.acquire(sizeBytes);
    } catch (error) {
      expect(error).toMatchObject({ kind: "retry" });
      expect(this.memory.freeBytes).toBe(freeBytes);
      return;
    }
    expect(slab.offsetBytes % slabAlignmentBytes).toBe(0);
    expect(slab.sizeBytes % slabAlignmentBytes).toBe(0);
    expect(slab.sizeBytes).toBeGreaterThanOrEqual(sizeBytes);
    expect(slab.sizeBytes).toBeLessThanOrEqual(Math.max(slabAlignmentBytes, sizeBytes * 1.25 + slabAlignmentBytes));
    expect(slab.offsetBytes).toBeGreaterThanOrEqual(kernelRegionSizeBytes);
    expect(slab.offsetBytes + slab.sizeBytes).toBeLessThanOrEqual(this.memory.memory.buffer.byteLength);
    const isApart = this.slabs.every(
      (other) =>
        other.offsetBytes + other.sizeBytes <= slab.offsetBytes ||
        slab.offsetBytes + slab.sizeBytes <= other.offsetBytes,
    );
    expect(isApart, "slabs do not overlap").toBe(true);
    this.slabs.push(slab);
    expect(this.memory.freeBytes).toBe(freeBytes - slab.sizeBytes);
  }

  release(choice: number): void {
    const [slab] = this.slabs.splice(choice % Math.max(1, this.slabs.length), 1);
    slab?.release();
  }
}

/** A memory that small asks fill, where runs meet and split in every way; and one with room for the largest slabs. */
const small = { sizeBytes: 128 * 1024, ask: fc.nat({ max: 64 * 1024 }), largestBytes: 128 * 1024 };
const large = {
  sizeBytes: 24 * mebibyte,
  ask: fc.oneof(
    fc.nat({ max: 20_000 }),
    fc.nat({ max: slabSizeBytesMax }),
    fc.constantFrom(0, 1, 4096, 4097, slabSizeBytesMax),
  ),
  largestBytes: slabSizeBytesMax,
};

describe("createSharedMemory()", () => {
  test.each([small, large])(
    "hands out aligned slabs that never overlap, and is whole again when all of its $sizeBytes bytes are back",
    ({ sizeBytes, ask, largestBytes }) => {
      const anySteps = fc.array(fc.oneof(fc.record({ ask }), fc.record({ choice: fc.nat() })), {
        maxLength: 150,
        size: "max",
      });
      fc.assert(
        fc.property(anySteps, (steps) => {
          const held = new Held(sizeBytes);
          for (const step of steps) {
            if ("ask" in step) held.acquire(step.ask);
            else held.release(step.choice);
          }
          while (held.slabs.length > 0) held.release(held.slabs.length * 7);
          expect(held.memory.freeBytes).toBe(held.memory.sizeBytes);
          // Whole, not only equal in sum: the largest slabs fit again, side by side.
          while (held.memory.freeBytes > 0) held.memory.acquire(largestBytes);
        }),
        { numRuns: 150 },
      );
    },
  );

  test("fails with the kind retry when it is exhausted, and serves again after a release", () => {
    const memory = createSharedMemory({ sizeBytes: 2 * mebibyte });
    const slabs = [memory.acquire(mebibyte), memory.acquire(mebibyte)];
    expect(() => memory.acquire(1)).toThrow(ClusterFailure);
    expect(() => memory.acquire(1)).toThrow(expect.objectContaining({ kind: "retry" }));
    slabs[0]!.release();
    expect(memory.acquire(mebibyte).sizeBytes).toBe(mebibyte);
  });

  test("shows the slab's own bytes, whole, in one shared buffer", () => {
    const memory = createSharedMemory({ sizeBytes: mebibyte });
    const slab = memory.acquire(5000);
    expect([slab.sizeBytes, slab.bytes.byteLength, slab.bytes.byteOffset]).toEqual([8192, 8192, slab.offsetBytes]);
    expect(slab.bytes).toBe(slab.bytes);
    expect(slab.bytes.buffer).toBe(memory.memory.buffer);
    expect(slab.bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
    slab.bytes[8191] = 77;
    expect(new Uint8Array(memory.memory.buffer)[slab.offsetBytes + 8191]).toBe(77);
  });

  test("asserts on a second release, on bytes after it, and on sizes that it does not serve", () => {
    const memory = createSharedMemory({ sizeBytes: 16 * mebibyte });
    const slab = memory.acquire(1);
    slab.release();
    expect(() => slab.release()).toThrow(AssertionFailure);
    expect(() => slab.bytes).toThrow(AssertionFailure);
    expect(memory.freeBytes).toBe(memory.sizeBytes);
    expect(() => memory.acquire(slabSizeBytesMax + 1)).toThrow(AssertionFailure);
    expect(() => memory.acquire(-1)).toThrow(AssertionFailure);
    expect(() => createSharedMemory({ sizeBytes: 0 })).toThrow(AssertionFailure);
  });

  test("releases at the end of a scope that uses a slab", () => {
    const memory = createSharedMemory({ sizeBytes: mebibyte });
    {
      using slab = memory.acquire(4096);
      expect(memory.freeBytes).toBe(memory.sizeBytes - slab.sizeBytes);
    }
    expect(memory.freeBytes).toBe(memory.sizeBytes);
  });
});
