import { beforeEach, expect, test } from "vitest";
import { SharedBarrier } from "../../src/etcd/shared-barrier.ts";

const deadlineMs = 10_000;
let nowMs = 0;
beforeEach(() => (nowMs = 0));

function controlled(): { barrier: SharedBarrier; reads: PromiseWithResolvers<void>[]; deadlines: number[] } {
  const reads: PromiseWithResolvers<void>[] = [];
  const deadlines: number[] = [];
  const barrier = new SharedBarrier(
    (untilMs) => {
      const read = Promise.withResolvers<void>();
      reads.push(read);
      deadlines.push(untilMs);
      return read.promise;
    },
    () => nowMs + deadlineMs,
  );
  return { barrier, reads, deadlines };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("who asks while a read is under way does not share it: it may have been answered before", async () => {
  const { barrier, reads } = controlled();
  const first = [barrier.pass(), barrier.pass()];
  await turn();
  expect(reads).toHaveLength(1);
  let isPassed = false;
  const late = barrier.pass().then(() => (isPassed = true));
  reads[0]?.resolve();
  await Promise.all(first);
  await turn();
  expect([reads.length, isPassed]).toEqual([2, false]);
  reads[1]?.resolve();
  await late;
});

test("a read that fails fails for those who shared it, and the next ones ask again", async () => {
  const { barrier, reads } = controlled();
  const outcomes = Promise.allSettled([barrier.pass(), barrier.pass()]);
  await turn();
  reads[0]?.reject(new Error("away"));
  expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const next = barrier.pass();
  await turn();
  reads[1]?.resolve();
  await next;
});

test("who waits behind a read that comes to nothing has no more time than who asked first", async () => {
  const { barrier, reads, deadlines } = controlled();
  const first = barrier.pass();
  await turn();
  nowMs = 1_000;
  const second = barrier.pass();
  nowMs = 9_000;
  const third = barrier.pass();
  nowMs = 10_000;
  reads[0]?.reject(new Error("away"));
  await expect(first).rejects.toThrow("away");
  await turn();
  expect(deadlines).toEqual([10_000, 11_000]);
  reads[1]?.resolve();
  await Promise.all([second, third]);
});
