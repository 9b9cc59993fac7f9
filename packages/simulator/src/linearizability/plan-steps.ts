import { assert, assertNever } from "@kakera/kernel";
import type { ClientOperation, PutOperation } from "./history.ts";

/** A key's content as a number: nothing, something that nobody ever names, or a value that some operation names. */
export const absent = 0;
export const unnamed = 1;
export const anything = -1;

/** What tells of the state and does not change it. Keys are positions in `Plan.keys`. */
interface Observation {
  readonly kind: "observation";
  readonly isAllowed: (state: readonly number[]) => boolean;
  /** null: it tells of all keys. */
  readonly key: number | null;
  /** The one content of its key that it may have seen, if it tells so. */
  readonly saw: number | null;
}

export interface Change {
  readonly kind: "change";
  readonly key: number;
  /** The content that it needs to find, or `anything`. */
  readonly requires: number;
  readonly writes: number;
}

export interface Step {
  readonly operation: ClientOperation;
  readonly effect: Observation | Change;
}

export interface Plan {
  readonly keys: readonly string[];
  readonly steps: readonly Step[];
}

/**
 * Operations as steps over small numbers. Values that no answer and no condition names are one and the same: whoever cannot tell them
 * apart has nothing to try out.
 */
export function planSteps(operations: readonly ClientOperation[]): Plan {
  const keys = [...new Set(operations.flatMap(keysOf))].toSorted();
  const keyNumbers = new Map(keys.map((key, number) => [key, number]));
  const valueNumbers = new Map<string, number>();
  for (const value of operations.flatMap(namedBy))
    if (!valueNumbers.has(value)) valueNumbers.set(value, unnamed + 1 + valueNumbers.size);
  const keyNumber = (key: string): number => keyNumbers.get(key) as number;
  const valueNumber = (value: string | null | undefined): number =>
    value === null || value === undefined ? absent : (valueNumbers.get(value) ?? unnamed);

  const effectOf = (operation: ClientOperation): Observation | Change => {
    switch (operation.kind) {
      case "put":
        return effectOfPut(operation, { key: keyNumber(operation.key), valueNumber });
      case "delete":
        return { kind: "change", key: keyNumber(operation.key), requires: anything, writes: absent };
      case "read": {
        const [key, saw] = [keyNumber(operation.key), valueNumber(operation.seen)];
        return { kind: "observation", key, saw, isAllowed: (state) => state[key] === saw };
      }
      case "list": {
        const seen = keys.map((key) => valueNumber(operation.seen.get(key)));
        const isAllowed = (state: readonly number[]): boolean => seen.every((value, key) => state[key] === value);
        return { kind: "observation", key: null, saw: null, isAllowed };
      }
      default:
        return assertNever(operation);
    }
  };
  return { keys, steps: operations.map((operation) => ({ operation, effect: effectOf(operation) })) };
}

function effectOfPut(
  put: PutOperation,
  of: { readonly key: number; readonly valueNumber: (value: string) => number },
): Observation | Change {
  const { key, valueNumber } = of;
  const matches = put.condition === null || put.condition === "absent" ? null : valueNumber(put.condition.matches);
  if (put.outcome === "done") {
    const requires = put.condition === null ? anything : (matches ?? absent);
    return { kind: "change", key, requires, writes: valueNumber(put.value) };
  }
  assert(put.condition !== null, "only conditions refuse a PUT");
  if (put.outcome === "missing")
    return { kind: "observation", key, saw: absent, isAllowed: (state) => state[key] === absent };
  return {
    kind: "observation",
    key,
    saw: null,
    isAllowed: (state) => state[key] !== absent && state[key] !== matches,
  };
}

function keysOf(operation: ClientOperation): readonly string[] {
  return operation.kind === "list" ? [...operation.seen.keys()] : [operation.key];
}

function namedBy(operation: ClientOperation): readonly string[] {
  switch (operation.kind) {
    case "put":
      return operation.condition === null || operation.condition === "absent" ? [] : [operation.condition.matches];
    case "delete":
      return [];
    case "read":
      return operation.seen === null ? [] : [operation.seen];
    case "list":
      return [...operation.seen.values()];
    default:
      return assertNever(operation);
  }
}
