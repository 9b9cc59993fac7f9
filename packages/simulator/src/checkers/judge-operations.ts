import { checkHistory } from "../linearizability/check-history.ts";
import { describeOperation } from "../linearizability/describe-operation.ts";
import type { ClientOperation } from "../linearizability/history.ts";

/** So many of the operations before the one that nothing explains. */
const shownMax = 40;

/** null: one order explains everything that clients were told; else what cannot be, for people. */
export function judgeOperations(operations: readonly ClientOperation[]): string | null {
  const verdict = checkHistory(operations);
  if (verdict.kind === "linearizable") return null;
  const { operation } = verdict;
  const line = describeOperation(operation);
  if (verdict.kind === "undecided") return `too many orders may explain ${line}`;
  const isNear = (other: ClientOperation): boolean =>
    other.callAt <= operation.returnAt &&
    (other.kind === "list" || operation.kind === "list" || other.key === operation.key);
  const before = operations.filter(isNear).toSorted((a, b) => a.callAt - b.callAt);
  const shown = before.slice(-shownMax).map(describeOperation);
  return [`nothing explains ${line}; there may have been ${verdict.possible.join(" or ")}`, ...shown].join("\n  ");
}
