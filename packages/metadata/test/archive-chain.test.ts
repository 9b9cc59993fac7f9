import { describe, expect, test } from "vitest";
import { chooseChain, type ArchiveBase } from "../src/archive/choose-chain.ts";
import type { GroupSummary } from "../src/archive/group-format.ts";
import { publishedSequence } from "../src/archive/publish-rule.ts";

/** Ids of two histories that differ from this batch on. */
const forkAt = 10;
const idOf = (history: string, sequence: number): string =>
  `${history === "b" && sequence >= forkAt ? "b" : "a"}${String(sequence).padStart(31, "0")}`;

function group(
  epoch: number,
  [from, to]: readonly [number, number],
  of: { history?: string; beginsAnew?: boolean; acknowledged?: number } = {},
): GroupSummary & { readonly checksum: string } {
  const { history = "a", beginsAnew = false, acknowledged = 0 } = of;
  const ids = Array.from({ length: to - from + 1 }, (_, index) => Buffer.from(idOf(history, from + index), "hex"));
  return {
    term: epoch,
    firstSequence: from,
    sequence: to,
    before: idOf(history, from - 1),
    ids: Buffer.concat(ids),
    beginsAnew,
    acknowledged,
    checksum: `${epoch} ${history} ${from}-${to}`,
  };
}

function base(epoch: number, from: number, of: { until?: number; history?: string } = {}): ArchiveBase {
  const point = (sequence: number) => ({ sequence, id: idOf(of.history ?? "a", sequence) });
  return { epoch, from: point(from), until: point(of.until ?? from) };
}

const endOf = (groups: Parameters<typeof chooseChain>[0], bases: readonly ArchiveBase[]) => {
  const { chain, broken } = chooseChain(groups, bases);
  return { end: chain?.end.sequence ?? null, missing: broken?.missingSequence ?? null };
};

describe("the chain that an archive gives back", () => {
  test("is a checkpoint and what follows it without a gap", () => {
    expect(endOf([group(1, [4, 6]), group(1, [7, 9])], [base(1, 5)])).toEqual({ end: 9, missing: null });
    expect(endOf([], [base(1, 5)])).toEqual({ end: 5, missing: null });
    expect(endOf([], [])).toEqual({ end: null, missing: null });
  });

  test("does not rest on a checkpoint whose copied changes it does not reach", () => {
    const groups = [group(1, [4, 6]), group(1, [7, 9])];
    expect(chooseChain(groups, [base(1, 5), base(1, 8, { until: 12 })]).chain?.bases).toHaveLength(1);
    expect(endOf(groups, [base(1, 8, { until: 12 })]).end).toBeNull();
  });

  test("shows a missing group, but not a gap that its writer left", () => {
    expect(endOf([group(1, [4, 6]), group(1, [8, 9])], [base(1, 5)])).toEqual({ end: 6, missing: 7 });
    const anew = group(1, [8, 9], { beginsAnew: true });
    expect(endOf([group(1, [4, 6]), anew], [base(1, 5)])).toEqual({ end: 6, missing: null });
    expect(endOf([group(1, [4, 6]), anew], [base(1, 5), base(1, 7)])).toEqual({ end: 9, missing: null });
  });

  test("shows that more was published than it has", () => {
    const groups = [group(1, [4, 6]), group(1, [8, 9], { beginsAnew: true }), group(1, [10, 11], { acknowledged: 9 })];
    expect(endOf(groups, [base(1, 5)])).toEqual({ end: 6, missing: 7 });
    expect(endOf(groups, [base(1, 5), base(1, 7)])).toEqual({ end: 11, missing: null });
  });

  test("leads through the groups of several leaders, from the middle of one into another", () => {
    const groups = [group(1, [4, 6]), group(1, [7, 12]), group(2, [7, 8]), group(2, [9, 9])];
    expect(endOf(groups, [base(1, 5)])).toEqual({ end: 12, missing: null });
  });

  test("is the newest leader's history, and nothing of another one", () => {
    const old = [group(1, [4, 8]), group(1, [9, 14]), group(1, [15, 30], { acknowledged: 14 })];
    const next = [group(2, [9, 11], { history: "b" })];
    const { chain, broken } = chooseChain([...old, ...next], [base(1, 5)]);
    expect(chain?.end).toEqual({ sequence: 11, id: idOf("b", 11) });
    expect([chain?.epoch, broken]).toEqual([2, null]);
  });
});

test("published is what enough drives have: m+1, or all that are up, and never fewer than the least", () => {
  const rule = { wanted: 3, least: 2 };
  expect(publishedSequence([9, 7, 5, 1], rule)).toBe(5);
  expect(publishedSequence([9, 7], rule)).toBe(7);
  expect(publishedSequence([9], rule)).toBe(0);
  expect(publishedSequence([], { wanted: 1, least: 1 })).toBe(0);
});
