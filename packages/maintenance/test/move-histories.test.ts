import { describe, expect, test } from "vitest";
import { runMoveHistories } from "./kit/run-move-histories.ts";

describe("any history of writes, reads, deletes, moves, repairs, pauses, absences and leaders that die", () => {
  // Many more of them: move-histories.slow.test.ts.
  test("loses nothing, brings nothing back, and fails no read", { timeout: 60_000 }, async () => {
    const totals = await runMoveHistories(1, 15);
    for (const count of Object.values(totals)) expect(count).toBeGreaterThan(10);
  });
});
