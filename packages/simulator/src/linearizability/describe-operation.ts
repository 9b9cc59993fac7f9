import { assertNever } from "@kakera/kernel";
import type { ClientOperation } from "./history.ts";

/** One line for people. */
export function describeOperation(operation: ClientOperation): string {
  const { callAt, returnAt } = operation;
  return `[${callAt.toFixed(1)}, ${returnAt.toFixed(1)}] ${inWords(operation)}`;
}

function inWords(operation: ClientOperation): string {
  switch (operation.kind) {
    case "put": {
      const { key, value, condition, outcome } = operation;
      const only = condition === null ? "" : condition === "absent" ? " if absent" : ` if ${condition.matches}`;
      return `put ${key} = ${value}${only}: ${outcome}`;
    }
    case "delete":
      return `delete ${operation.key}`;
    case "read":
      return `read ${operation.key}: ${operation.seen ?? "nothing"}`;
    case "list":
      return `list: ${[...operation.seen].map(([key, value]) => `${key} = ${value}`).join(", ")}`;
    default:
      return assertNever(operation);
  }
}
