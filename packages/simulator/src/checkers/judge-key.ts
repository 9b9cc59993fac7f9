import type { KeyOperation } from "./key-history.ts";

/** States of a search; a history of one key of a simulated minute needs a few thousand. */
const statesMax = 2_000_000;

export type Verdict = "linearizable" | "not linearizable" | "too many states";

/**
 * Whether some order of the operations, in which each takes effect at one moment between its start and its end, explains everything that was
 * seen: the search of Wing and Gong with the memory of Lowe (https://arxiv.org/abs/1504.00204), for one key that holds one value.
 */
export function judgeKey(operations: readonly KeyOperation[], first = 0): Verdict {
  const sorted = [...operations].sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
  const seen = new Set<string>();
  const stack = [{ done: 0n, state: first }];
  // What may have happened need not have: only the others must find a place.
  const certain = sorted.reduce(
    (bits, { outcome }, index) => (outcome.kind === "unknown" ? bits : bits | (1n << BigInt(index))),
    0n,
  );
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const { done, state } = node;
    if ((done & certain) === certain) return "linearizable";
    const name = `${done.toString(36)}:${state}`;
    if (seen.has(name)) continue;
    seen.add(name);
    if (seen.size > statesMax) return "too many states";
    // Nothing may come before what ended before it began.
    let soonestEndMs = Infinity;
    for (const [index, operation] of sorted.entries()) {
      if (operation.startMs > soonestEndMs) break;
      if ((done & (1n << BigInt(index))) !== 0n) continue;
      soonestEndMs = Math.min(soonestEndMs, operation.endMs);
    }
    for (const [index, operation] of sorted.entries()) {
      if (operation.startMs > soonestEndMs) break;
      const bit = 1n << BigInt(index);
      if ((done & bit) !== 0n) continue;
      const next = step(operation, state);
      if (next !== null) stack.push({ done: done | bit, state: next });
    }
  }
  return "not linearizable";
}

/** The state behind the operation, if it takes effect in `state`; null: it cannot have gone as its client says. */
function step({ action, outcome }: KeyOperation, state: number): number | null {
  switch (action.kind) {
    case "read":
      return outcome.kind !== "done" || outcome.seen === state ? state : null;
    case "delete":
      return 0;
    case "put": {
      const { condition, value } = action;
      const holds =
        condition.kind === "none" || (condition.kind === "absent" ? state === 0 : state === condition.value);
      if (outcome.kind === "unknown") return holds ? value : state;
      return holds === (outcome.kind === "done") ? (holds ? value : state) : null;
    }
  }
}
