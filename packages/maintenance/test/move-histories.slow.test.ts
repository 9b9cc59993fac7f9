import { describe, expect, test } from "vitest";
import { runMoveHistories } from "./kit/run-move-histories.ts";

describe("a thousand histories of moves under everything else", () => {
  test("lose nothing, bring nothing back, and fail no read", { timeout: 1_800_000 }, async () => {
    const totals = await runMoveHistories(1_000, 1_000);
    for (const count of Object.values(totals)) expect(count).toBeGreaterThan(500);
  });
});
