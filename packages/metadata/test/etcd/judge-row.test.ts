import { expect, test } from "vitest";
import { judgeRow, type RowSeen } from "../../src/etcd/judge-row.ts";

type Short = [value: string, revision: number] | null;
const entry = (short: Short): RowSeen["inView"] => short && { value: Buffer.from(short[0]), revision: short[1] };
const seen = (inEtcd: Short, tailRevision: number, inView: Short, appliedRevision: number): RowSeen => ({
  inEtcd: entry(inEtcd),
  tailRevision,
  inView: entry(inView),
  appliedRevision,
});

test("a row is the same, or was written since etcd was looked at", () => {
  expect(judgeRow(seen(["a", 5], 10, ["a", 5], 10), null)).toBe("same");
  expect(judgeRow(seen(["a", 5], 10, ["b", 11], 12), null)).toBe("same");
  expect(judgeRow(seen(null, 10, ["b", 11], 12), null)).toBe("same");
  expect(judgeRow(seen(null, 10, null, 12), null)).toBe("same");
});

test("a row differs that the view should not have, or has otherwise, however far it is", () => {
  for (const applied of [10, 12]) {
    expect(judgeRow(seen(["a", 5], 10, ["b", 5], applied), null)).toBe("differs");
    expect(judgeRow(seen(["a", 5], 10, ["a", 4], applied), null)).toBe("differs");
    expect(judgeRow(seen(null, 10, ["a", 5], applied), null)).toBe("differs");
  }
});

test("a row that the view lacks may be deleted by now, unless the view is just there, or etcd has it later still", () => {
  expect(judgeRow(seen(["a", 5], 10, null, 10), null)).toBe("differs");
  const first = seen(["a", 5], 10, null, 12);
  expect(judgeRow(first, null)).toBe("unclear");
  expect(judgeRow(seen(["a", 5], 12, null, 14), first)).toBe("differs");
  expect(judgeRow(seen(["b", 13], 13, null, 14), first)).toBe("unclear");
  expect(judgeRow(seen(null, 13, null, 14), first)).toBe("same");
  // The second look was no later than the view at the first one: it may have been deleted between.
  expect(judgeRow(seen(["a", 5], 11, null, 14), first)).toBe("unclear");
});
