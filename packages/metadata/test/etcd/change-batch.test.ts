import { describe, expect, test } from "vitest";
import { createSeededRandom, newId } from "@kakera/kernel";
import { batchRequest, offer, operationsPerChangeMax, takeBatch } from "../../src/etcd/change-batch.ts";
import { EtcdKeys } from "../../src/etcd/etcd-keys.ts";
import { evaluateAsEtcd, isIndependent } from "./batch-model.ts";
import type { Change } from "../../src/index.ts";

const random = createSeededRandom(5);
const bytes = (text: string): Buffer => Buffer.from(text);

type Parts = {
  reads?: string[];
  puts?: string[];
  deletes?: string[];
  empty?: [string, string];
  drops?: [string, string];
};

function change({ reads = [], puts = [], deletes = [], empty, drops }: Parts): Change {
  const range = (of: [string, string] | undefined) =>
    of === undefined ? [] : [{ from: bytes(of[0]), to: bytes(of[1]) }];
  return {
    id: newId("change", random),
    purpose: "write",
    compares: reads.map((name) => ({ key: bytes(name), revision: 0 })),
    emptyRanges: range(empty),
    puts: puts.map((name) => ({ key: bytes(name), value: bytes("v") })),
    deletes: deletes.map(bytes),
    deleteRanges: range(drops),
  };
}

/** What travels together, as places in the queue: one list for each batch. */
function batchesOf(changes: readonly Change[]): number[][] {
  const queue = changes.map((each, index) => ({ ...offer(each), index }));
  const batches: number[][] = [];
  while (queue.length > 0) batches.push(takeBatch(queue).map(({ index }) => index));
  return batches;
}

describe("takeBatch()", () => {
  test("lets changes of different keys travel together, and those that read the same", () => {
    expect(batchesOf([change({ reads: ["b"], puts: ["x"] }), change({ reads: ["b"], puts: ["y"] })])).toEqual([[0, 1]]);
  });

  test.each<[string, Parts, Parts]>([
    ["write one key", { puts: ["x"] }, { puts: ["x"] }],
    ["delete what the other writes", { puts: ["x"] }, { deletes: ["x"] }],
    ["read what the other writes", { puts: ["x"] }, { reads: ["x"], puts: ["y"] }],
    ["write what the other reads", { reads: ["x"], puts: ["y"] }, { puts: ["x"] }],
    ["write into a range that must be empty", { empty: ["m", "n"], puts: ["a"] }, { puts: ["m1"] }],
    ["need a range empty into which the other writes", { puts: ["m1"] }, { empty: ["m", "n"], puts: ["a"] }],
    ["drop a range of which the other reads a key", { reads: ["m1"], puts: ["a"] }, { drops: ["m", "n"] }],
    ["read a key of a range that the other drops", { drops: ["m", "n"] }, { reads: ["m1"], puts: ["a"] }],
    ["drop a range into which the other writes", { puts: ["m1"] }, { drops: ["m", "n"] }],
    ["need a range empty that the other drops", { drops: ["m", "n"] }, { empty: ["m5", "o"], puts: ["a"] }],
    ["drop a range that the other needs empty", { empty: ["m5", "o"], puts: ["a"] }, { drops: ["m", "n"] }],
  ])("keeps apart two that %s", (_, first, second) => {
    expect(batchesOf([change(first), change(second)])).toEqual([[0], [1]]);
  });

  test("does not let a change overtake one that was held back and that it conflicts with", () => {
    const queue = [
      change({ puts: ["x"] }),
      change({ puts: ["x", "y"] }),
      change({ puts: ["y"] }),
      change({ puts: ["z"] }),
    ];
    expect(batchesOf(queue)).toEqual([[0, 3], [1], [2]]);
  });

  test("stays within 128 operations at each level, however large the changes are", () => {
    const keys = new EtcdKeys("/p/");
    const sizes = [1, 126, 3, 60, 60, 60, 2, 126, 126, ...Array.from({ length: 300 }, () => 1)];
    const queue = sizes.map((size, i) => {
      const names = Array.from({ length: size }, (_, k) => `k${i}-${k}`);
      return { ...offer(change({ reads: names, puts: names })), index: i };
    });
    const seen: number[] = [];
    while (queue.length > 0) {
      const batch = takeBatch(queue);
      expect(batch.length).toBeGreaterThan(0);
      seen.push(...batch.map(({ index }) => index));
      const session = { key: Buffer.from("s"), revision: "1" };
      const request = batchRequest(
        batch.map((each) => each.change),
        { keys, session, tail: Buffer.alloc(35) },
      );
      const outer = request.success?.length ?? 0;
      expect(outer).toBeLessThanOrEqual(128);
      for (const { request_txn: nested } of request.success ?? []) {
        expect((nested?.compare?.length ?? 0) + outer).toBeLessThanOrEqual(128);
        expect((nested?.success?.length ?? 0) + outer).toBeLessThanOrEqual(128);
      }
    }
    expect(seen.toSorted((a, b) => a - b)).toEqual(sizes.map((_, i) => i));
    expect(operationsPerChangeMax).toBe(126);
  });

  test("puts the tail last, so that its event ends the batch", () => {
    const session = { key: Buffer.from("s"), revision: "7" };
    const tail = Buffer.alloc(35, 1);
    const request = batchRequest([change({ puts: ["a"] })], { keys: new EtcdKeys("/p/"), session, tail });
    expect(request.success?.at(-1)).toEqual({ request_put: { key: Buffer.from("/p/m/t"), value: tail } });
    expect(request.compare).toEqual([
      { key: session.key, target: 2, result: 0, mod_revision: "7" },
      { key: Buffer.from("/p/halt"), target: 2, result: 0, mod_revision: 0 },
    ]);
  });

  test("gives the same results evaluated at once, as etcd does it, as one after the other, for 5,000 random queues", () => {
    for (let round = 0; round < 5_000; round++) {
      const names = ["a", "b", "m1", "m2", "n"];
      const pick = (): string[] => names.filter(() => random.fraction() < 0.3);
      const changes = Array.from({ length: 6 }, () => {
        const drops = random.fraction() < 0.2 ? (["m", "n"] as [string, string]) : undefined;
        const free = names.filter((name) => drops === undefined || !name.startsWith("m"));
        const puts = pick().filter((name) => free.includes(name));
        const empty = random.fraction() < 0.2 ? (["m", "n"] as [string, string]) : undefined;
        return change({ reads: pick(), puts, ...(drops && { drops }), ...(empty && { empty }) });
      });
      for (const batch of batchesOf(changes)) {
        const together = batch.map((index) => changes[index] as Change);
        expect(isIndependent(together)).toBe(true);
        expect(evaluateAsEtcd(together, new Set(pick()))).toBe("same");
      }
    }
  });
});
