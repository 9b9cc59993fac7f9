import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMd5, createSharedMemory, type Md5, type Md5Input } from "@kakera/erasure";
import { KIB, MIB, systemClock } from "@kakera/kernel";
import { createLaneMd5 } from "../../src/write-path/lane-md5.ts";

const memory = createSharedMemory({ sizeBytes: 16 * MIB });
const kernel = createMd5(memory);
const bytes = Buffer.from(memory.memory.buffer).subarray(64 * KIB);
const makeHasher = createLaneMd5({ md5: kernel, memory, clock: systemClock });

const md5Of = (...pieces: readonly Buffer[]): string =>
  pieces.reduce((hash, piece) => hash.update(piece), createHash("md5")).digest("hex");

describe("MD5 in lanes", () => {
  test("is that of each body, whatever comes of others meanwhile and in whatever pieces", async () => {
    const size = fc.oneof(fc.nat(200), fc.nat(70_000));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(size, { maxLength: 4 }), { maxLength: 12 }), async (bodies) => {
        let at = 0;
        const work = bodies.map(async (sizes, index) => {
          const hasher = makeHasher();
          const taken: Buffer[] = [];
          for (const [nth, sizeBytes] of sizes.entries()) {
            const piece = bytes.subarray(at, at + sizeBytes);
            at += sizeBytes;
            randomBytes(sizeBytes).copy(piece);
            taken.push(Buffer.from(piece));
            const settled = hasher.update(piece);
            if ((index + nth) % 3 !== 0) continue;
            hasher.hasten();
            await settled;
            piece.fill(0xee);
          }
          expect((await hasher.digest())?.toString("hex")).toBe(md5Of(...taken));
        });
        await Promise.all(work);
      }),
      { numRuns: 60 },
    );
  });

  test("of bytes outside the shared memory, and of none, is right too", async () => {
    const hasher = makeHasher();
    expect(hasher.update(Buffer.from("in the record"))).toBeNull();
    expect((await hasher.digest())?.toString("hex")).toBe(md5Of(Buffer.from("in the record")));
    expect((await makeHasher().digest())?.toString("hex")).toBe(md5Of());
  });

  test("hashes what arrived in one turn side by side, each body's pieces in order", async () => {
    const calls: number[][] = [];
    const seen: Md5 = {
      ...kernel,
      update(inputs: readonly Md5Input[]) {
        calls.push(inputs.map(({ lengthBytes }) => lengthBytes));
        kernel.update(inputs);
      },
    };
    const make = createLaneMd5({ md5: seen, memory, clock: systemClock });
    const digests = Array.from({ length: 9 }, (_, index) => {
      const hasher = make();
      void hasher.update(bytes.subarray(index * 1000, index * 1000 + 600));
      void hasher.update(bytes.subarray(index * 1000 + 600, (index + 1) * 1000));
      return hasher.digest();
    });
    await Promise.all(digests);
    expect(calls).toEqual([Array(9).fill(600), Array(9).fill(400)]);
  });

  test("lets bytes wait for company until they are waited for, and forgets those of a body that is given up", async () => {
    const calls: number[] = [];
    const seen: Md5 = {
      ...kernel,
      update(inputs: readonly Md5Input[]) {
        calls.push(inputs.length);
        kernel.update(inputs);
      },
    };
    const make = createLaneMd5({ md5: seen, memory, clock: systemClock });
    const [first, second, third] = [make(), make(), make()];
    const settled = first.update(bytes.subarray(0, 2 * MIB));
    void second.update(bytes.subarray(2 * MIB, 4 * MIB));
    const dropped = third.update(bytes.subarray(4 * MIB, 6 * MIB));
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toEqual([]);
    third.end();
    await dropped;
    second.hasten();
    await settled;
    expect(calls).toEqual([2]);
  });
});
