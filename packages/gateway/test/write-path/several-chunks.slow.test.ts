import { describe, expect, test } from "vitest";
import { MIB } from "@kakera/kernel";
import { never } from "../fakes/degraded-kit.ts";
import { collectingSink, createTestStore, patternBytes, sourceOf, underClock } from "../fakes/test-store.ts";

describe("a body on healthy drives", () => {
  test("of several chunks comes back as it was, in parts of any range", async () => {
    const store = await createTestStore({ geometry: { k: 2, m: 1 } });
    const bytes = patternBytes(129 * MIB + 77);
    const body = await underClock(
      store.clock,
      store.bodies.write(sourceOf(bytes, { sliceBytes: MIB }), store.owner, never),
    );
    const ranges = [
      [0, 1],
      [64 * MIB - 1, 2],
      [128 * MIB - 5, 10],
      [63 * MIB, 3 * MIB],
      [129 * MIB, 77],
      [0, bytes.byteLength],
    ] as const;
    for (const [offsetBytes, lengthBytes] of ranges) {
      const sink = collectingSink();
      await underClock(store.clock, store.bodies.read([body], { offsetBytes, lengthBytes }, sink, never));
      expect(sink.bytes().equals(bytes.subarray(offsetBytes, offsetBytes + lengthBytes))).toBe(true);
    }
  });
});
