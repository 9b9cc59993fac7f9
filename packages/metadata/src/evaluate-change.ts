import { assert } from "@kakera/kernel";
import type { Change, Compare } from "./ports/commit-log.ts";
import type { Key, View, ViewWrite } from "./ports/view.ts";

/** What conditions are evaluated against: the view, or the view with changes on top that are not durable yet. */
export interface ConditionState {
  /** Whether the key's last change has that revision; 0 = there is no such key. */
  holds(compare: Compare): boolean;
  /** The first key in [from, to), or null. */
  firstKeyIn(from: Key, to: Key): Key | null;
}

/** The first condition of `change` that does not hold, as its key; null when all hold. */
export function failedCondition(change: Change, state: ConditionState): Key | null {
  for (const compare of change.compares) {
    if (!state.holds(compare)) return compare.key;
  }
  for (const range of change.emptyRanges ?? []) {
    const found = state.firstKeyIn(range.from, range.to);
    if (found !== null) return found;
  }
  return null;
}

/** The writes of a committed change in the order in which a view applies them; they do not overlap, so the order is free. */
export function writesOf(change: Pick<Change, "puts" | "deletes" | "deleteRanges">, revision: number): ViewWrite[] {
  const writes: ViewWrite[] = [];
  for (const range of change.deleteRanges ?? []) writes.push({ kind: "delete-range", from: range.from, to: range.to });
  for (const key of change.deletes) writes.push({ kind: "delete", key });
  for (const put of change.puts) writes.push({ kind: "put", key: put.key, value: put.value, revision });
  return writes;
}

/**
 * Asserts what every driver needs of a change's form: keys are not empty, each is written once, and none lies in a range
 * that the same change deletes (etcd refuses such a transaction; here it would depend on the order).
 */
export function checkForm(change: Change): void {
  const { puts, deletes, deleteRanges = [] } = change;
  if (puts.length + deletes.length === 1 && deleteRanges.length === 0) {
    // Most changes write one key, which cannot be written twice.
    assert((puts[0]?.key ?? (deletes[0] as Key)).byteLength > 0, emptyKey);
    return;
  }
  const written = new Set<string>();
  for (const key of change.deletes) checkWrittenKey(change, key, written);
  for (const { key } of change.puts) checkWrittenKey(change, key, written);
}

const emptyKey = "a change's keys are not empty";

function checkWrittenKey(change: Change, key: Key, written: Set<string>): void {
  assert(key.byteLength > 0, emptyKey);
  const before = written.size;
  written.add(keyText(key));
  assert(written.size > before, "a change writes each key once");
  for (const range of change.deleteRanges ?? []) {
    const isInside = Buffer.compare(key, range.from) >= 0 && Buffer.compare(key, range.to) < 0;
    assert(!isInside, "a change does not write into a range that it deletes");
  }
}

/** A key as text, one character a byte: for Maps and Sets. */
export function keyText(key: Key): string {
  // Keys are built as Buffers: a view of one more for each would be most of the cost.
  const bytes = Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return bytes.toString("latin1");
}

export function viewState(view: View): ConditionState {
  return {
    holds: ({ key, revision }) => (view.with(key, (_, found) => found) ?? 0) === revision,
    firstKeyIn(from, to) {
      let found: Key | null = null;
      view.walk(from, to, (key) => {
        found = key;
        return "stop";
      });
      return found;
    },
  };
}
