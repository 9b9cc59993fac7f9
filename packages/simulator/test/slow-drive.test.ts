import { runHistory } from "@kakera/simulator";
import { expect, it } from "vitest";

const heldMs = 2_000;

it(
  "no GET takes part of the two seconds for which one drive holds each read, as k others have their shards",
  { timeout: 120_000 },
  async () => {
    for (const seed of [1, 2, 3]) {
      const report = await runHistory({ seed, isCalm: true, readHoldMs: heldMs, workMs: 4_000 });
      expect(report.violations).toEqual([]);
      const slowest = Math.max(...report.readTimesMs);
      expect(report.readTimesMs.length).toBeGreaterThan(20);
      // Raced long before: by the first delay of a hedge while nothing is known of the drives.
      expect(slowest).toBeLessThan(heldMs / 4);
    }
  },
);
