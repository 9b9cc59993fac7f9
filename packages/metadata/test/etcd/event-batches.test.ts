import type { IEvent } from "etcd3";
import { describe, expect, test } from "vitest";
import type { ChangeId, SessionId } from "@kakera/kernel";
import { EtcdKeys } from "../../src/etcd/etcd-keys.ts";
import { BrokenLineage, EventBatches, type EventBatch } from "../../src/etcd/event-batches.ts";
import { encodeTail } from "../../src/etcd/tail-record.ts";

const keys = new EtcdKeys("/p/");
const idOf = (number: number): ChangeId => number.toString(16).padStart(32, "0") as ChangeId;
const session = "5".repeat(32) as SessionId;

function event(
  type: "Put" | "Delete",
  key: Buffer,
  of: { revision: number; version?: number; value?: Buffer },
): IEvent {
  const kv = {
    key,
    value: of.value ?? Buffer.alloc(0),
    mod_revision: `${of.revision}`,
    version: `${of.version ?? 1}`,
    create_revision: "1",
    lease: "0",
  };
  return { type, kv } as unknown as IEvent;
}
const put = (name: string, revision: number): IEvent =>
  event("Put", keys.of(Buffer.from(name)), { revision, value: Buffer.from(`${name}@${revision}`) });
const tail = (revision: number, version: number, id = version): IEvent =>
  event("Put", keys.tail, { revision, version, value: encodeTail({ batch: idOf(id), session, changeCount: 1 }) });

const start = { logId: "log", revision: 10, term: 1, sequence: 3, checksum: idOf(3) };
const resumed = (): EventBatches => new EventBatches({ keys, start, resuming: "yes" });
const shown = (batches: readonly EventBatch[]): string[] =>
  batches.map(
    ({ position, writes }) =>
      `${position.sequence}@${position.revision}: ${writes.map((write) => `${write.kind} ${Buffer.from("key" in write ? write.key : "").toString()}`).join(", ")}`,
  );

describe("EventBatches", () => {
  test("gives a batch when its tail comes, wherever messages are cut", () => {
    const batches = resumed();
    expect(shown(batches.take([put("old", 10), tail(10, 3), put("a", 14)]))).toEqual([]);
    expect(shown(batches.take([put("b", 14)]))).toEqual([]);
    const rest = [tail(14, 4), event("Delete", keys.of(Buffer.from("a")), { revision: 20 }), tail(20, 5), put("c", 21)];
    expect(shown(batches.take(rest))).toEqual(["4@14: put a, put b", "5@20: delete a"]);
  });

  test("does not apply again what it has applied: the batch that it resumes with, and old events after a partition", () => {
    const batches = resumed();
    expect(shown(batches.take([put("old", 10), tail(10, 3), put("a", 11), tail(11, 4)]))).toEqual(["4@11: put a"]);
    expect(shown(batches.take([put("older", 10), tail(10, 3), put("b", 12), tail(12, 5)]))).toEqual(["5@12: put b"]);
  });

  test("sees that batches are missing, though revisions have gaps by right", () => {
    const batches = resumed();
    batches.take([tail(10, 3)]);
    expect(() => batches.take([put("a", 50), tail(50, 5)])).toThrow(expect.objectContaining({ kind: "gap" }));
  });

  test.each([
    ["another batch at the same revision", [tail(10, 3, 99)]],
    ["the same batch at another revision", [tail(11, 3)]],
    ["nothing at the revision, and the next batch", [put("a", 12), tail(12, 4)]],
    ["a tail that was deleted", [event("Delete", keys.tail, { revision: 12 })]],
  ])("takes %s for another log", (_, events) => {
    const taking = (): unknown => resumed().take(events);
    expect(taking).toThrow(BrokenLineage);
    expect(taking).toThrow(expect.objectContaining({ kind: "other" }));
  });

  test("refuses a tail that is none of ours", () => {
    const foreign = event("Put", keys.tail, { revision: 10, version: 3, value: Buffer.from("hello") });
    expect(() => resumed().take([foreign])).toThrow("no tail");
  });
});
