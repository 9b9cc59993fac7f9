import { expect } from "vitest";
import { checkHistory, measureHistory, type ClientOperation } from "@kakera/simulator";

type Histories = ReadonlyMap<string, readonly ClientOperation[]>;

/** What both outcomes of each condition, and all else that has to be seen, are called. */
const outcomes = [
  "put done",
  "put absent done",
  "put absent refused",
  "put match done",
  "put match refused",
  "put match missing",
  "delete done",
  "read",
  "read nothing",
  "list",
];

/** Of one run with gateways that were in each other's way; the buckets have nothing to do with each other. */
export function expectLinearizable(histories: Histories, atLeast: { readonly operationCount: number }): void {
  const whole = [...histories].flatMap(([bucket, history]) =>
    history.map((each) => (each.kind === "list" ? each : { ...each, key: `${bucket}/${each.key}` })),
  );
  const { operationCount, openCount, overlapShare, counts } = measureHistory(whole);
  for (const [bucket, history] of histories) {
    const verdict = checkHistory(history);
    // Told in full: it is the only trace of what went wrong.
    if (verdict.kind === "violation") console.log(`${bucket}: ${tellViolation(verdict.operation, history)}`);
    expect(verdict).toMatchObject({ kind: "linearizable" });
  }
  console.log(
    `${operationCount} operations, ${openCount} of them open; ${Math.round(overlapShare * 100)} % overlap another on their key; ` +
      [...counts].map(([name, count]) => `${name}: ${count}`).join(", "),
  );
  for (const outcome of outcomes)
    expect([outcome, counts.get(outcome) ?? 0]).toEqual([outcome, expect.toSatisfy(isMany)]);
  expect(overlapShare).toBeGreaterThan(0.3);
  expect(operationCount).toBeGreaterThanOrEqual(atLeast.operationCount);
}

const isMany = (count: number): boolean => count >= 20;

/** The last operations on its key before and around it. */
function tellViolation(operation: ClientOperation, history: readonly ClientOperation[]): string {
  const tellMax = 60;
  const concerned = history
    .filter((each) => each.callAt <= operation.returnAt)
    .filter((each) => each.kind === "list" || operation.kind === "list" || each.key === operation.key)
    .toSorted((a, b) => a.callAt - b.callAt)
    .slice(-tellMax);
  return [operation, ...concerned]
    .map((each) => JSON.stringify(each, (_, value: unknown) => (value instanceof Map ? [...value] : value)))
    .join("\n");
}
