import type { Change } from "../../src/index.ts";

const text = (key: Uint8Array): string => Buffer.from(key).toString();
const inside = (name: string, range: { from: Uint8Array; to: Uint8Array }): boolean =>
  name >= text(range.from) && name < text(range.to);

/** Conditions of a change against a set of keys that exist; compares are all of absence. */
function holds(change: Change, present: ReadonlySet<string>): boolean {
  const isAbsent = change.compares.every(({ key }) => !present.has(text(key)));
  return isAbsent && !(change.emptyRanges ?? []).some((range) => [...present].some((name) => inside(name, range)));
}

function apply(change: Change, present: Set<string>): void {
  for (const range of change.deleteRanges ?? [])
    for (const name of present) if (inside(name, range)) present.delete(name);
  for (const key of change.deletes) present.delete(text(key));
  for (const { key } of change.puts) present.add(text(key));
}

/** Whether a batch evaluated against the state before it comes to what its changes come to one after the other. */
export function evaluateAsEtcd(changes: readonly Change[], before: ReadonlySet<string>): "same" | "different" {
  const atOnce = new Set(before);
  const results = changes.map((change) => holds(change, before));
  changes.forEach((change, i) => results[i] && apply(change, atOnce));
  const inTurn = new Set(before);
  const resultsInTurn = changes.map((change) => {
    const isMet = holds(change, inTurn);
    if (isMet) apply(change, inTurn);
    return isMet;
  });
  const isSame =
    results.every((result, i) => result === resultsInTurn[i]) &&
    atOnce.size === inTurn.size &&
    [...atOnce].every((name) => inTurn.has(name));
  return isSame ? "same" : "different";
}

/** No key is written twice, which etcd refuses for the whole batch. */
export function isIndependent(changes: readonly Change[]): boolean {
  const written = changes.flatMap((change) => [
    ...change.puts.map(({ key }) => text(key)),
    ...change.deletes.map(text),
  ]);
  return new Set(written).size === written.length;
}
