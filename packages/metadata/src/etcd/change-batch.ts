import type { ICompare, IRequestOp, ITxnRequest } from "etcd3";
import type { Change } from "../ports/commit-log.ts";
import { keyText } from "../evaluate-change.ts";
import type { Key } from "../ports/view.ts";
import { KeySets, keysOf, type KeysOfChange } from "./key-sets.ts";
import type { EtcdKeys } from "./etcd-keys.ts";

/** etcd's own --max-txn-ops, counted for each level of a transaction (correctness.md V7). */
const operationsMax = 128;
/** Of one change alone in its batch: its own transaction and the tail stand beside it. */
export const operationsPerChangeMax = operationsMax - 2;
/** etcd takes 1.5 MiB. */
const batchBytesMax = 1024 * 1024;

/** A change that waits for its batch. */
export interface Offered extends KeysOfChange {
  readonly compareCount: number;
  readonly writeCount: number;
  readonly sizeBytes: number;
}

export function offer(change: Change): Offered {
  const ranges = (change.emptyRanges?.length ?? 0) + (change.deleteRanges?.length ?? 0);
  let sizeBytes = 64 + 128 * ranges;
  for (const { key } of change.compares) sizeBytes += key.byteLength + 48;
  for (const { key, value } of change.puts) sizeBytes += key.byteLength + value.byteLength + 32;
  for (const key of change.deletes) sizeBytes += key.byteLength + 32;
  return {
    ...keysOf(change),
    compareCount: change.compares.length + (change.emptyRanges?.length ?? 0),
    writeCount: change.puts.length + change.deletes.length + (change.deleteRanges?.length ?? 0),
    sizeBytes,
  };
}

/**
 * Takes out of `queue`, in order, what may travel together: etcd evaluates every condition of a batch before any of its writes, so two
 * changes share one only if neither writes what the other reads or writes (F2). What stays holds back what conflicts with it.
 */
export function takeBatch<T extends Offered>(queue: T[]): T[] {
  const taken: T[] = [];
  const left: T[] = [];
  const sets = new KeySets();
  let [compares, writes, sizeBytes] = [0, 0, 0];
  let index = 0;
  for (; index < queue.length && left.length < lookAheadMax; index++) {
    const next = queue[index] as T;
    const isFirst = taken.length === 0;
    const most = operationsMax - (taken.length + 2);
    const isTooMany = Math.max(compares, next.compareCount) > most || Math.max(writes, next.writeCount) > most;
    if (!isFirst && (isTooMany || sizeBytes + next.sizeBytes > batchBytesMax)) {
      // A large one gets the next batch to itself; small ones must not overtake it for ever.
      break;
    }
    if (sets.conflictsWith(next)) left.push(next);
    else {
      taken.push(next);
      compares = Math.max(compares, next.compareCount);
      writes = Math.max(writes, next.writeCount);
      sizeBytes += next.sizeBytes;
    }
    sets.add(next);
  }
  queue.splice(0, index, ...left);
  return taken;
}

/** So many that conflict may be passed over in one look. */
const lookAheadMax = 256;

/** A batch as one transaction: each change nested with its own conditions, the tail last, all of it only under the session and without a halt. */
export function batchRequest(
  changes: readonly Change[],
  parts: { keys: EtcdKeys; session: { key: Buffer; revision: string }; tail: Buffer },
): ITxnRequest {
  const success: IRequestOp[] = changes.map((change) => ({ request_txn: nested(change, parts.keys) }));
  success.push({ request_put: { key: parts.keys.tail, value: parts.tail } });
  return {
    compare: [hasRevision(parts.session.key, parts.session.revision), hasRevision(parts.keys.halt, 0)],
    success,
    failure: [{ request_range: { key: parts.keys.halt } }],
  };
}

function nested(change: Change, keys: EtcdKeys): ITxnRequest {
  const compare: ICompare[] = change.compares.map(({ key, revision }) => hasRevision(keys.of(key), revision));
  // Most changes write what they compare: the key is put together once.
  const keyOf = (key: Key, index: number): Buffer =>
    change.compares[index]?.key === key ? (compare[index]?.key as Buffer) : keys.of(key);
  const success: IRequestOp[] = [];
  for (const { from, to } of change.deleteRanges ?? [])
    success.push({ request_delete_range: { key: keys.of(from), range_end: keys.of(to) } });
  for (const key of change.deletes) success.push({ request_delete_range: { key: keys.of(key) } });
  change.puts.forEach(({ key, value }, index) => {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    success.push({ request_put: { key: keyOf(key, index), value: bytes } });
  });
  for (const { from, to } of change.emptyRanges ?? [])
    compare.push({ ...hasRevision(keys.of(from), 0), range_end: keys.of(to) } as ICompare);
  return { compare, success, failure: [] };
}

/** Holds for an absent key at revision 0. */
export function hasRevision(key: Buffer, revision: number | string): ICompare {
  return { key, target: compareTarget.mod, result: compareResult.equal, mod_revision: revision };
}

/** As numbers: the library's own enumerations exist for types only in some builds. */
const compareTarget = { mod: 2 } as const;
const compareResult = { equal: 0 } as const;

/**
 * Whether a change of a batch that is in the log took effect, by the keys that were written at the batch's revision: no two changes of a
 * batch write one key. null: it writes nothing that would be seen.
 */
export function tookEffect(change: Change, writtenKeys: ReadonlySet<string>): boolean | null {
  const put = change.puts[0];
  if (put !== undefined) return writtenKeys.has(keyText(put.key));
  return change.deletes.some((key) => writtenKeys.has(keyText(key))) ? true : null;
}
