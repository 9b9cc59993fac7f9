import { createSeededRandom, GIB } from "@kakera/kernel";
import { expect, test } from "vitest";
import { createCodec, createSharedMemory } from "../src/index.ts";

test("works above 2 GiB, where addresses have their highest bit set", () => {
  // Only the pages that are touched cost memory.
  const memory = createSharedMemory({ sizeBytes: 2.5 * GIB });
  const codec = createCodec(memory);
  const geometry = { k: 2, m: 2 };
  const shardSizeBytes = 5000;
  const start = memory.memory.buffer.byteLength - 4 * shardSizeBytes;
  const bytes = Buffer.from(memory.memory.buffer, start, 4 * shardSizeBytes);
  bytes.set(createSeededRandom(1).bytes(2 * shardSizeBytes));
  const offsets = [0, 1, 2, 3].map((i) => start + i * shardSizeBytes);
  codec.encode(geometry, shardSizeBytes, offsets);
  expect(codec.verify(geometry, shardSizeBytes, offsets)).toBe(true);
  const whole = Buffer.from(bytes);
  bytes.fill(0, 0, 2 * shardSizeBytes);
  codec.reconstruct(geometry, shardSizeBytes, offsets, [false, false, true, true]);
  expect(whole.equals(bytes)).toBe(true);
  expect(codec.hash64(bytes, 5n)).toBe(codec.hash64(whole, 5n));
  const copy = { k: 1, m: 1 };
  codec.encode(copy, shardSizeBytes, [offsets[0]!, offsets[3]!]);
  expect(bytes.subarray(3 * shardSizeBytes).equals(whole.subarray(0, shardSizeBytes))).toBe(true);
});
