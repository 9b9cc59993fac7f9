import { invalid } from "./etcd-error.ts";
import type { RequestOp, TxnRequest } from "./etcd-messages.ts";
import { endOf, textOf } from "./key-text.ts";

/** etcd's --max-txn-ops, less at each level by what stands at the level above. */
const operationsMax = 128;
/** etcd's --max-request-bytes. */
const requestBytesMax = 1.5 * 1024 * 1024;

/** Throws what etcd answers to a transaction that it refuses for its form (correctness.md V6-V8); nothing of it happens then. */
export function checkForm(request: TxnRequest): void {
  const sizeBytes = sizeOf(request);
  if (sizeBytes > requestBytesMax) throw invalid("request is too large");
  checkCounts(request, operationsMax);
  checkKeys(request.success ?? [], new Set(), []);
  checkKeys(request.failure ?? [], new Set(), []);
}

function checkCounts(request: TxnRequest, most: number): void {
  const { compare = [], success = [], failure = [] } = request;
  const count = Math.max(compare.length, success.length, failure.length);
  if (count > most) throw invalid("too many operations in txn request");
  for (const { key } of compare) if ((key?.byteLength ?? 0) === 0) throw invalid("key is not provided");
  for (const op of [...success, ...failure])
    if (op.request_txn !== undefined) checkCounts(op.request_txn, most - count);
}

/** A key is put once, and not behind a deletion of it by an operation before. */
function checkKeys(ops: readonly RequestOp[], puts: Set<string>, deletions: [string, string | null][]): void {
  for (const op of ops) {
    if (op.request_put !== undefined) {
      const key = textOf(op.request_put.key);
      if (key === "") throw invalid("key is not provided");
      const isDeleted = deletions.some(([from, to]) => key >= from && (to === null || key < to));
      if (puts.has(key) || isDeleted) throw invalid("duplicate key given in txn request");
      puts.add(key);
    } else if (op.request_delete_range !== undefined) {
      const { key, range_end: end } = op.request_delete_range;
      const from = textOf(key);
      deletions.push([from, end === undefined ? `${from}\0` : endOf(end)]);
    } else if (op.request_txn !== undefined) {
      // Of a nested one only one branch is taken; the log's have but one.
      checkKeys(op.request_txn.success ?? [], puts, deletions);
    }
  }
}

function sizeOf(request: TxnRequest): number {
  let sizeBytes = 16;
  for (const { key } of request.compare ?? []) sizeBytes += 16 + (key?.byteLength ?? 0);
  for (const op of [...(request.success ?? []), ...(request.failure ?? [])]) {
    if (op.request_txn !== undefined) sizeBytes += sizeOf(op.request_txn);
    const { key } = op.request_put ?? op.request_delete_range ?? op.request_range ?? {};
    sizeBytes += 8 + (key?.byteLength ?? 0) + (op.request_put?.value?.byteLength ?? 0);
  }
  return sizeBytes;
}
