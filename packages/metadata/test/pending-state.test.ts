import { describe, expect, test } from "vitest";
import { createSeededRandom, newId } from "@kakera/kernel";
import { createMemoryView, type Change, type Compare, type ViewPosition, type ViewWrite } from "../src/index.ts";
import { PendingState } from "../src/journal/pending-state.ts";

const random = createSeededRandom(3);
const key = Buffer.from("Pkey");

/** A view whose batches are applied by hand, and what waits on top of it. */
function openState() {
  const view = createMemoryView();
  let sequence = 0;
  const apply = (writes: readonly ViewWrite[]): void => {
    sequence += 1;
    const position: ViewPosition = { logId: "log", revision: sequence, term: 1, sequence, checksum: "" };
    view.apply({ revision: sequence, position, writes });
  };
  return { view, apply, state: new PendingState(view) };
}

const put = (revision: number): ViewWrite => ({ kind: "put", key, value: Buffer.from("value"), revision });

function removal(compare: Compare): Change {
  return { id: newId("change", random), purpose: "free", compares: [compare], puts: [], deletes: [compare.key] };
}

describe("a comparison with a key that was read where the view still is", () => {
  test("holds", () => {
    const { view, apply, state } = openState();
    apply([put(1)]);
    expect(state.offer(removal({ key, revision: 1, readAt: view.appliedRevision }), 2)).toBeNull();
  });

  test("does not hold once a batch that is being formed has the key removed", () => {
    const { view, apply, state } = openState();
    apply([put(1)]);
    const compare = { key, revision: 1, readAt: view.appliedRevision };
    expect(state.offer(removal(compare), 2)).toBeNull();
    expect(state.offer(removal(compare), 3)).toEqual(key);
  });

  test("does not hold while the batch in flight has the key removed", () => {
    const { view, apply, state } = openState();
    apply([put(1)]);
    const compare = { key, revision: 1, readAt: view.appliedRevision };
    expect(state.offer(removal(compare), 2)).toBeNull();
    state.takeOff();
    expect(state.offer(removal(compare), 3)).toEqual(key);
  });
});

describe("a comparison with a key that was read before the last batch", () => {
  test("holds when that batch left the key alone", () => {
    const { view, apply, state } = openState();
    apply([put(1)]);
    const compare = { key, revision: 1, readAt: view.appliedRevision };
    apply([{ kind: "put", key: Buffer.from("Pother"), value: Buffer.from("value"), revision: 2 }]);
    expect(state.offer(removal(compare), 3)).toBeNull();
  });

  test("does not hold when that batch wrote the key", () => {
    const { view, apply, state } = openState();
    apply([put(1)]);
    const compare = { key, revision: 1, readAt: view.appliedRevision };
    apply([put(2)]);
    expect(state.offer(removal(compare), 3)).toEqual(key);
  });
});

test("what was read of a view that is not loaded is looked up again", () => {
  const { view, state } = openState();
  expect(view.appliedRevision).toBe(0);
  view.load([{ key, value: Buffer.from("value"), revision: 7 }], null);
  expect(state.offer(removal({ key, revision: 1, readAt: view.appliedRevision }), 8)).toEqual(key);
});
