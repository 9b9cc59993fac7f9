import { describe, expect, test } from "vitest";
import { countFor } from "../../../test/harness/length.ts";
import { runMoveHistories } from "./kit/run-move-histories.ts";

const historyCount = countFor({ whole: 1_000, ci: 400, here: 400 });

describe(`${historyCount} histories of moves under everything else`, () => {
  test("lose nothing, bring nothing back, and fail no read", { timeout: 1_800_000 }, async () => {
    const totals = await runMoveHistories(1_000, historyCount);
    for (const count of Object.values(totals)) expect(count).toBeGreaterThan(historyCount / 2);
  });
});
