import { describe, expect, test } from "vitest";
import { judgeWrite, type ShardState, type WriteRule } from "../../src/write-path/judge-write.ts";
import { driveIn, judgeAllWrites } from "./judge-write-oracle.ts";

describe("judgeWrite()", () => {
  test.each([
    { shardCount: 1, ks: [1] },
    { shardCount: 2, ks: [1] },
    { shardCount: 3, ks: [1, 2] },
  ])("follows the acknowledgement rule in every state of $shardCount shards", ({ shardCount, ks }) => {
    judgeAllWrites(shardCount, ks);
  });

  const durable = (domain: string): ShardState => ({ home: "member", progress: "durable", domain });
  const lost: ShardState = { home: "declared", progress: "none", domain: null };
  const available = (k: number): WriteRule => ({ k, quorum: "available" });

  test("doubles up 4+2 on four domains, as the loss of any one then leaves k", () => {
    const four = ["a", "b", "c", "d"];
    const verdict = judgeWrite([...four.map(durable), lost, lost], four.map(driveIn), available(4));
    expect(verdict.kind === "substitute" && new Set(verdict.placements.map(({ driveId }) => driveId)).size).toBe(2);
  });

  test("does not call a chunk whole two of whose shards go with one domain", () => {
    const verdict = judgeWrite(["a", "a", "b", "b"].map(durable), ["a", "b"].map(driveIn), available(2));
    expect(verdict).toEqual({ kind: "acknowledge", lacking: [], strength: "reduced" });
  });

  test("does not double up 2+1 on two domains, where it would help nobody, and says that there is no spare", () => {
    const verdict = judgeWrite([durable("a"), durable("b"), lost], ["a", "b"].map(driveIn), available(2));
    expect(verdict).toEqual({ kind: "acknowledge", lacking: [2], strength: "no-spare" });
  });

  test("refuses that write when it is strict", () => {
    const verdict = judgeWrite([durable("a"), durable("b"), lost], ["a", "b"].map(driveIn), { k: 2, quorum: "strict" });
    expect(verdict).toEqual({ kind: "refuse", failure: "retry", reason: "TOLERANCE_ZERO" });
  });

  test("leaves a declared home's shard out of 2+2 without doubling up, as one more domain may still be lost", () => {
    const verdict = judgeWrite(
      [durable("a"), durable("b"), durable("c"), lost],
      ["a", "b", "c"].map(driveIn),
      available(2),
    );
    expect(verdict).toEqual({ kind: "acknowledge", lacking: [3], strength: "reduced" });
  });

  test("does not acknowledge k receipts while a member's shard is only late", () => {
    const late: ShardState = { home: "member", progress: "late", domain: null };
    expect(judgeWrite([durable("a"), durable("b"), late], [], available(2))).toEqual({
      kind: "declare",
      shardIndexes: [2],
    });
  });
});
