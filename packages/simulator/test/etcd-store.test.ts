import { describe, expect, it } from "vitest";
import { EtcdStore } from "../src/etcd/etcd-store.ts";
import type { RequestOp, TxnRequest } from "../src/etcd/etcd-messages.ts";

const bytes = (text: string): Buffer => Buffer.from(text);
const put = (key: string, value = "v"): RequestOp => ({ request_put: { key: bytes(key), value: bytes(value) } });
const remove = (key: string): RequestOp => ({ request_delete_range: { key: bytes(key) } });
const absent = (key: string) => ({ key: bytes(key), target: 2, result: 0, mod_revision: 0 }) as const;
const nested = (request: TxnRequest): RequestOp => ({ request_txn: request });

function storeWith(...ops: RequestOp[]): EtcdStore {
  const store = new EtcdStore();
  run(store, { success: ops });
  return store;
}

function run(store: EtcdStore, request: TxnRequest) {
  return store.txn({ compare: [], failure: [], ...request }, () => true).answer;
}

describe("the model of etcd", () => {
  it("evaluates every condition of a batch before any of its writes (V5)", () => {
    const store = storeWith();
    const answer = run(store, {
      success: [
        nested({ compare: [absent("a")], success: [put("b")], failure: [] }),
        nested({ compare: [absent("b")], success: [put("a")], failure: [] }),
      ],
    });
    expect(answer.responses.map(({ response_txn: txn }) => txn?.succeeded)).toEqual([true, true]);
  });

  it("takes a put with a later deletion of its key, and refuses the other order, with all of the batch (V6)", () => {
    const store = storeWith();
    run(store, { success: [nested({ success: [put("k")] }), nested({ success: [remove("k")] })] });
    expect(store.keyCount).toBe(0);
    const other = { success: [put("x"), nested({ success: [remove("k")] }), nested({ success: [put("k")] })] };
    expect(() => run(store, other)).toThrow("duplicate key");
    expect(() => run(store, { success: [put("k"), put("k")] })).toThrow("duplicate key");
    expect(store.keyCount).toBe(0);
  });

  it("counts operations at each level, less what stands at the level above (V7)", () => {
    const puts = (count: number): RequestOp[] => Array.from({ length: count }, (_, index) => put(`k${index}`));
    const batch = (outer: number, inner: number): TxnRequest => ({
      success: [...Array.from({ length: outer - 1 }, (_, index) => put(`t${index}`)), nested({ success: puts(inner) })],
    });
    expect(() => run(storeWith(), batch(101, 27))).not.toThrow();
    expect(() => run(storeWith(), batch(101, 28))).toThrow("too many operations");
    expect(() => run(storeWith(), { success: puts(129) })).toThrow("too many operations");
  });

  it("gives all writes of a transaction one revision, and each key a version of its own", () => {
    const store = storeWith(put("a"), put("b"));
    const before = store.revision;
    run(store, { success: [put("a", "2"), remove("b")] });
    expect(store.revision).toBe(before + 1);
    const [a] = store.range({ key: bytes("a") }).kvs;
    expect([a?.version, a?.create_revision, a?.mod_revision]).toEqual(["2", String(before), String(before + 1)]);
    run(store, { compare: [absent("a")], success: [put("c")] });
    expect(store.revision).toBe(before + 1);
  });

  it("forgets what is compacted, and takes what lay under a lease with it", () => {
    const store = storeWith(put("a"));
    run(store, { success: [{ request_put: { key: bytes("l"), value: bytes(""), lease: "7" } }] });
    expect(store.dropLease("7")?.events.map(({ type }) => type)).toEqual(["Delete"]);
    store.compact(store.revision);
    expect(store.since(0).map(({ revision }) => revision)).toEqual([store.revision]);
    expect(() => store.compact(store.revision)).toThrow("compacted");
    expect(() => store.compact(store.revision + 1)).toThrow("future");
  });

  it("reads ranges in the order of bytes, in part and counted as a whole", () => {
    const store = storeWith(put("b"), put("a"), put("c"), put("\xff"));
    const range = store.range({ key: bytes("a"), range_end: bytes("c"), limit: 1 });
    expect(range.kvs.map(({ key }) => key.toString())).toEqual(["a"]);
    expect([range.more, range.count]).toEqual([true, "2"]);
  });
});
