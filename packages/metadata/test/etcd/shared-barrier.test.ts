import { expect, test } from "vitest";
import { SharedBarrier } from "../../src/etcd/shared-barrier.ts";

function controlled(): { barrier: SharedBarrier; reads: PromiseWithResolvers<void>[] } {
  const reads: PromiseWithResolvers<void>[] = [];
  const barrier = new SharedBarrier(() => {
    const read = Promise.withResolvers<void>();
    reads.push(read);
    return read.promise;
  });
  return { barrier, reads };
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
