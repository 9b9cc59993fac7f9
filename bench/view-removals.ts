/**
 * Removes objects of the bench's million from a view alone, a thousand in a transaction, and prints what that cost for each
 * key: {"keys", "cpuMicroseconds"}. Usage: node bench/view-removals.ts view|lmdb VIEW-DIRECTORY COUNT FIRST LAST
 * `view`: through our view, which keeps usage exact; `lmdb`: by removeSync and nothing else. Of COUNT objects in the order of
 * a listing it takes those from FIRST up to LAST; the first few transactions warm up and do not count.
 */
import { open } from "lmdb";
import { openLmdbView, ranges, type Key, type ViewPosition } from "@kakera/metadata";
import { milvusKeys } from "./load/milvus-keys.ts";

const [kind, directory, count, first, last] = process.argv.slice(2) as [string, string, string, string, string];
const batchKeys = 1000;
const warmUpKeys = 5 * batchKeys;

interface Removals {
  /** `current` and the bucket's id: what stands before each object's key. */
  readonly bucketPrefix: Buffer;
  remove(keys: readonly Key[]): void;
  close(): Promise<void>;
}

function throughView(): Removals {
  const view = openLmdbView({ directory });
  const { from, to } = ranges.table("current");
  const bucketPrefix = view.range(from, to, 1)[0]!.key.subarray(0, 9);
  let position = view.position as ViewPosition;
  const remove = (keys: readonly Key[]): void => {
    position = { ...position, revision: position.revision + 1, sequence: position.sequence + 1 };
    const writes = keys.map((key) => ({ kind: "delete" as const, key }));
    view.apply({ revision: position.revision, position, writes });
  };
  return { bucketPrefix, remove, close: () => view.close() };
}

function throughLmdb(): Removals {
  const encodings = { keyEncoding: "binary", encoding: "binary", cache: false } as const;
  const root = open<Buffer, Buffer>({ path: directory, noSync: true, overlappingSync: false, maxDbs: 2, ...encodings });
  const entries = root.openDB({ name: "entries", ...encodings });
  const { from, to } = ranges.table("current");
  const [key] = entries.getKeys({ start: from as Buffer, end: to as Buffer, limit: 1 });
  const remove = (keys: readonly Key[]): void => {
    root.transactionSync(() => {
      for (const each of keys) entries.removeSync(each as Buffer);
    });
  };
  return { bucketPrefix: (key as Buffer).subarray(0, 9), remove, close: () => root.close() };
}

const removals = kind === "view" ? throughView() : throughLmdb();
const keys = milvusKeys(Number(count))
  .slice(Number(first), Number(last))
  .map((key) => Buffer.concat([removals.bucketPrefix, Buffer.from(key)]));
const removeAll = (some: readonly Buffer[]): void => {
  for (let at = 0; at < some.length; at += batchKeys) removals.remove(some.slice(at, at + batchKeys));
};
removeAll(keys.slice(0, warmUpKeys));
const before = process.cpuUsage();
removeAll(keys.slice(warmUpKeys));
const used = process.cpuUsage(before);
await removals.close();
console.log(JSON.stringify({ keys: keys.length - warmUpKeys, cpuMicroseconds: used.user + used.system }));
