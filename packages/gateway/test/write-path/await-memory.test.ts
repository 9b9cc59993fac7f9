import { expect, test } from "vitest";
import { createManualClock, MIB } from "@kakera/kernel";
import { createSharedMemory } from "@kakera/erasure";
import { SlabLease } from "../../src/slab-lease.ts";
import { awaitMemory } from "../../src/write-path/await-memory.ts";

const memory = createSharedMemory({ sizeBytes: 8 * MIB });
const deadlineMs = 1_000;
const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A lease of 2 MiB, half of it in a slab that a drive still reads until `settle`. */
function leaseWithBusySlab() {
  const lease = new SlabLease(memory, 2 * MIB, () => {});
  const { promise, resolve: settle } = Promise.withResolvers<void>();
  const slab = lease.acquire(MIB);
  void slab.pin(promise);
  slab.retire();
  return { lease, settle };
}

test("memory that is unused is not waited for", async () => {
  const clock = createManualClock();
  const { lease, settle } = leaseWithBusySlab();
  await awaitMemory(lease, MIB, { clock, deadlineMs, signal: new AbortController().signal });
  settle();
});

test("memory that a drive still reads is waited for until the drive is through", async () => {
  const clock = createManualClock();
  const { lease, settle } = leaseWithBusySlab();
  let isThere = false;
  const waiting = awaitMemory(lease, 2 * MIB, { clock, deadlineMs, signal: new AbortController().signal }).then(
    () => (isThere = true),
  );
  clock.advance(deadlineMs - 1);
  await turns();
  expect(isThere).toBe(false);
  settle();
  await waiting;
  expect(lease.acquire(2 * MIB).bytes.byteLength).toBe(2 * MIB);
});

test("memory that does not come back by the deadline fails the write, not the process", async () => {
  const clock = createManualClock();
  const { lease } = leaseWithBusySlab();
  const waiting = awaitMemory(lease, 2 * MIB, { clock, deadlineMs, signal: new AbortController().signal });
  const refused = expect(waiting).rejects.toMatchObject({ kind: "retry", reason: "DRIVE_SLOW" });
  clock.advance(deadlineMs);
  await refused;
});

test("a client that goes away ends the wait", async () => {
  const clock = createManualClock();
  const { lease } = leaseWithBusySlab();
  const client = new AbortController();
  const waiting = awaitMemory(lease, 2 * MIB, { clock, deadlineMs, signal: client.signal });
  const ended = expect(waiting).rejects.toThrow("the client went away");
  client.abort(new Error("the client went away"));
  await ended;
});
