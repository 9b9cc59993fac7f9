import { describe, expect, test } from "vitest";
import { createManualClock, MIB } from "@kakera/kernel";
import { createSharedMemory } from "@kakera/erasure";
import type { BodySource, WrittenBody } from "../../src/bodies.ts";
import { MemoryBudget } from "../../src/memory-budget.ts";
import { SlabLease } from "../../src/slab-lease.ts";
import { MemoryTurn } from "../../src/write-path/memory-turn.ts";
import { collectingSink, createTestStore, patternBytes, sourceOf, underClock } from "../fakes/test-store.ts";

const never = new AbortController().signal;
const bodyBytes = 20 * MIB;

/** A store with memory for one large body at a time, whose drives are slow. */
async function narrowStore() {
  const bodies = { budgetWaitMsMax: 10_000, write: { etag: "fast" } } as const;
  const store = await createTestStore({ geometry: { k: 2, m: 2 }, memoryBytes: 32 * MIB, bodies });
  for (const drive of store.drives)
    drive.fate = (operation) => (operation === "append" ? { kind: "late", byMs: 800 } : { kind: "ok" });
  return store;
}

describe("large bodies for which there is not memory at once", () => {
  test.each(["known", "unknown"] as const)(
    "take turns, so that none is refused because others take long (%s length)",
    async (length) => {
      const store = await narrowStore();
      const freeBytes = store.freeMemoryBytes();
      const contents = [1, 2, 3].map((seed) => patternBytes(bodyBytes, seed));
      const startMs = store.clock.monotonicMs();
      const writing = contents.map((bytes) => store.bodies.write(sourceOf(bytes, { length }), store.owner, never));
      const written = await underClock(store.clock, Promise.all(writing));
      // The last one began while the first two had not ended.
      expect(store.clock.monotonicMs() - startMs).toBeGreaterThan(20_000);
      for (const drive of store.drives) drive.fate = () => ({ kind: "ok" });
      for (const [index, body] of written.entries()) {
        const sink = collectingSink();
        const range = { offsetBytes: 0, lengthBytes: bodyBytes };
        await underClock(store.clock, store.bodies.read([body as WrittenBody], range, sink, never));
        expect(sink.bytes().equals(contents[index]!)).toBe(true);
      }
      expect(store.freeMemoryBytes()).toBe(freeBytes);
    },
  );

  test("hold nothing while they wait for their next turn, and leave nothing behind when their client goes then", async () => {
    const store = await narrowStore();
    const freeBytes = store.freeMemoryBytes();
    const client = new AbortController();
    const first = store.bodies.write(sourceOf(patternBytes(bodyBytes)), store.owner, client.signal);
    const outcome = first.catch((failure: unknown) => failure);
    // It gets the memory when the first has had its turn.
    let isAsked = false;
    const other: BodySource = {
      sizeBytes: bodyBytes,
      pull: async () => {
        isAsked = true;
        throw new Error("the second client goes as well");
      },
    };
    const second = store.bodies.write(other, store.owner, never).catch((failure: unknown) => {
      client.abort(new Error("client gone"));
      return failure;
    });
    expect(await underClock(store.clock, second)).toMatchObject({ message: "the second client goes as well" });
    expect(await underClock(store.clock, outcome)).toMatchObject({ message: "client gone" });
    expect(isAsked).toBe(true);
    expect(store.drives.map(({ shards, openStreams }) => [shards.size, openStreams])).toEqual(Array(4).fill([0, 0]));
    expect(store.freeMemoryBytes()).toBe(freeBytes);
  });

  test("go on with what they have while a drive hangs on it: who waits holds nothing", async () => {
    const memory = createSharedMemory({ sizeBytes: 8 * MIB });
    const budget = new MemoryBudget({ clock: createManualClock() }, { bytesMax: 4 * MIB, waitMsMax: 1_000 });
    await budget.take(4 * MIB, never);
    const lease = new SlabLease(memory, 4 * MIB, (bytes) => budget.give(bytes));
    const turn = new MemoryTurn(lease, budget, never);
    const hung = Promise.withResolvers<void>();
    const slab = lease.acquire(MIB);
    void slab.pin(hung.promise);
    slab.retire();
    const isServed = budget.take(2 * MIB, never).then(() => true);
    turn.spend(8 * MIB);
    expect(turn.isOver).toBe(true);
    await turn.next();
    expect([budget.freeBytes, lease.unusedBytes]).toEqual([0, 3 * MIB]);
    hung.resolve();
    await hung.promise;
    turn.spend(8 * MIB);
    const next = turn.next();
    expect(await isServed).toBe(true);
    expect(lease.unusedBytes).toBe(0);
    budget.give(2 * MIB);
    await next;
    expect([budget.freeBytes, lease.unusedBytes]).toEqual([0, 4 * MIB]);
    lease.end();
  });
});
