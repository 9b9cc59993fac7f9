import type { ClientOperation } from "@kakera/simulator";

type Contents = ReadonlyMap<string, string>;

/** The plainest judge there is: tries every order of a small history. Written for itself, so that two who agree say something. */
export function hasAnOrder(operations: readonly ClientOperation[]): boolean {
  return goesOn(new Set(operations), new Map());
}

function goesOn(left: ReadonlySet<ClientOperation>, contents: Contents): boolean {
  if ([...left].every(({ returnAt }) => returnAt === Infinity)) return true;
  const firstReturn = Math.min(...[...left].map(({ returnAt }) => returnAt));
  for (const operation of left) {
    if (operation.callAt > firstReturn) continue;
    const after = outcomeOf(operation, contents);
    if (after === null) continue;
    const rest = new Set(left);
    rest.delete(operation);
    if (goesOn(rest, after)) return true;
  }
  return false;
}

/** null: it cannot be told so of these contents. */
function outcomeOf(operation: ClientOperation, contents: Contents): Contents | null {
  if (operation.kind === "list") {
    const isSame =
      operation.seen.size === contents.size && [...operation.seen].every(([key, value]) => contents.get(key) === value);
    return isSame ? contents : null;
  }
  const is = contents.get(operation.key) ?? null;
  if (operation.kind === "read") return operation.seen === is ? contents : null;
  const after = new Map(contents);
  after.delete(operation.key);
  if (operation.kind === "delete") return after;
  const { condition, outcome, key, value } = operation;
  const isMet = condition === null || (condition === "absent" ? is === null : is === condition.matches);
  if (outcome === "done") return isMet ? after.set(key, value) : null;
  if (outcome === "missing") return is === null ? contents : null;
  return is !== null && !isMet ? contents : null;
}
