import { expect, test } from "vitest";
import type { ChangeId, SessionId } from "@kakera/kernel";
import type { EventBatch } from "../../src/etcd/event-batches.ts";
import { EventSpool } from "../../src/etcd/event-spool.ts";

const batch = (sequence: number, valueBytes: number): EventBatch => ({
  position: { logId: "log", revision: sequence, term: 1, sequence, checksum: "" },
  tail: { batch: "b" as ChangeId, session: "s" as SessionId, changeCount: 1 },
  writes: [{ kind: "put", key: Buffer.from("k"), value: Buffer.alloc(valueBytes), revision: sequence }],
});

test("is full by bytes, and empty again when it was taken, in order", () => {
  const spool = new EventSpool(1000);
  spool.add([batch(1, 10), batch(2, 10)]);
  expect(spool.isFull).toBe(false);
  spool.add([batch(3, 900)]);
  expect(spool.isFull).toBe(true);
  expect(spool.take().map(({ position }) => position.sequence)).toEqual([1, 2, 3]);
  expect([spool.isFull, spool.take()]).toEqual([false, []]);
});

test("tells who waits that there is more, or that there will be none", async () => {
  const spool = new EventSpool(1000);
  const more = spool.more();
  spool.add([batch(1, 1)]);
  await more;
  await spool.more();
  spool.take();
  const never = spool.more();
  spool.fail(new Error("over"));
  await expect(never).rejects.toThrow("over");
  await expect(spool.more()).rejects.toThrow("over");
});
