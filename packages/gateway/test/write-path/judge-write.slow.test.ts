import { describe, test } from "vitest";
import { judgeAllWrites } from "./judge-write-oracle.ts";

describe("judgeWrite()", () => {
  test("follows the acknowledgement rule in every state of 4 shards", () => {
    judgeAllWrites(4, [2, 3]);
  });
});
