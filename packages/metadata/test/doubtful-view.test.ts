import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ClusterFailure } from "@kakera/kernel";
import { Doubt } from "../src/journal/doubt.ts";
import { DoubtfulView } from "../src/journal/doubtful-view.ts";
import { createMemoryView, type View, type ViewWrite, type WritableView } from "../src/index.ts";

/** Rows of a table that clients are told of. */
const key = (name: string): Buffer => Buffer.from(`l${name}`);
const name = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 3 });

interface Question {
  readonly what: "get" | "with" | "range" | "walk" | "last";
  readonly from: string;
  readonly to: string;
  readonly limit: number;
  /** Of a walk: the visits after which it stops; from every second key it seeks on. */
  readonly seeks: readonly string[];
}

const question: fc.Arbitrary<Question> = fc.record({
  what: fc.constantFrom("get", "with", "range", "walk", "last"),
  from: name,
  to: name,
  limit: fc.integer({ min: 1, max: 5 }),
  seeks: fc.array(name, { maxLength: 2 }),
});

const write: fc.Arbitrary<ViewWrite> = fc.oneof(
  fc.record({ name, value: name }).map((of) => ({ ...put(of.name, of.value), revision: 2 }) as const),
  name.map((deleted) => ({ kind: "delete", key: key(deleted) }) as const),
  fc.tuple(name, name).map(([one, other]) => {
    const [from, to] = one < other ? [one, other] : [other, one];
    return { kind: "delete-range", from: key(from), to: key(to) } as const;
  }),
);

function put(row: string, value: string): ViewWrite & { kind: "put" } {
  return { kind: "put", key: key(row), value: Buffer.from(value), revision: 1 };
}

function viewOf(writes: readonly ViewWrite[]): WritableView {
  const view = createMemoryView();
  const position = { logId: "0".repeat(32), revision: 1, term: 1, sequence: 1, checksum: "1".repeat(32) };
  view.apply({ revision: 1, position, writes });
  return view;
}

function ask(view: View, { what, from, to, limit, seeks }: Question): unknown {
  const text = (entry: { key?: Buffer; value: Buffer; revision: number } | null): unknown =>
    entry === null ? null : [entry.key?.toString(), entry.value.toString(), entry.revision];
  if (what === "get") return text(view.get(key(from)));
  if (what === "with") return view.with(key(from), (value, revision) => [value.toString(), revision]);
  if (what === "range") return view.range(key(from), key(to), limit).map(text);
  if (what === "last") return text(view.last(key(from), key(to)));
  const visited: unknown[] = [];
  const left = [...seeks];
  view.walk(key(from), key(to), (row, value, revision) => {
    visited.push([row.toString(), value.toString(), revision]);
    if (visited.length >= limit) return "stop";
    const seek = left.shift();
    return seek !== undefined && Buffer.compare(key(seek), row) > 0 ? { seek: key(seek) } : "next";
  });
  return visited;
}

/** null: it is kept back. */
function answerOf(view: View, asked: Question): { readonly answer: unknown } | null {
  try {
    return { answer: ask(view, asked) };
  } catch (error) {
    if (error instanceof ClusterFailure && error.kind === "retry") return null;
    throw error;
  }
}

describe("a view with a batch in doubt", () => {
  test("answers only what is the same with and without the batch", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, name), { maxLength: 12 }),
        fc.array(write, { minLength: 1, maxLength: 3 }),
        question,
        (rows, writes, asked) => {
          const before = rows.map(([row, value]) => put(row, value));
          const told = answerOf(new DoubtfulView(viewOf(before), new Doubt(writes)), asked);
          if (told === null) return;
          expect(told.answer).toEqual(ask(viewOf(before), asked));
          expect(told.answer).toEqual(ask(viewOf([...before, ...writes]), asked));
        },
      ),
      { numRuns: 3000, seed: 20 },
    );
  });

  test("answers all that lies beside it", () => {
    const view = new DoubtfulView(
      viewOf(["a", "c", "e"].map((row) => put(row, row))),
      new Doubt([put("b", "new"), { kind: "delete-range", from: key("d"), to: key("d~") }]),
    );
    const rows = (from: string, to: string, limit = 9): string[] =>
      view.range(key(from), key(to), limit).map((entry) => entry.value.toString());
    expect([view.get(key("a"))?.value.toString(), view.with(key("c"), String)]).toEqual(["a", "c"]);
    expect([rows("a", "b"), rows("c", "d"), rows("d~", "f"), rows("a", "f", 1)]).toEqual([["a"], ["c"], ["e"], ["a"]]);
    expect(view.last(key("c"), key("d"))?.value.toString()).toBe("c");
    expect(answerOf(view, { what: "walk", from: "a", to: "b", limit: 9, seeks: [] })).not.toBeNull();
    for (const what of ["range", "walk", "last"] as const)
      expect(answerOf(view, { what, from: "a", to: "f", limit: 9, seeks: [] }) === null).toBe(what !== "last");
  });

  test("answers what a walk passes over, and what the store keeps for itself", () => {
    const view = new DoubtfulView(
      viewOf([put("a", "a"), put("c", "c")]),
      new Doubt([put("b", "new"), { kind: "put", key: Buffer.from("dx"), value: Buffer.from("drive"), revision: 2 }]),
    );
    expect(answerOf(view, { what: "walk", from: "a", to: "d", limit: 9, seeks: ["c"] })).not.toBeNull();
    expect(answerOf(view, { what: "walk", from: "a", to: "d", limit: 9, seeks: [] })).toBeNull();
    expect(view.get(Buffer.from("dx"))).toBeNull();
  });
});
