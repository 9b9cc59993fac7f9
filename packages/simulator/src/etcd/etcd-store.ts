import { checkForm } from "./check-form.ts";
import { notFound, outOfRange } from "./etcd-error.ts";
import type { Compare, KeyEvent, KeyValue, RangeRequest, RequestOp, TxnRequest } from "./etcd-messages.ts";
import { endOf, textOf } from "./key-text.ts";
import { KeyTable } from "./key-table.ts";

interface Row {
  readonly value: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  /** "0": none. */
  readonly lease: string;
}

/** What a transaction writes, of one revision, in the order of its operations. */
export interface Revision {
  readonly revision: number;
  readonly events: readonly KeyEvent[];
}

/** Fields of a response that the log looks at. */
export interface RangeAnswer {
  readonly kvs: KeyValue[];
  readonly more: boolean;
  readonly count: string;
}

export interface TxnAnswer {
  readonly succeeded: boolean;
  readonly responses: OpAnswer[];
}

interface OpAnswer {
  readonly response_range?: RangeAnswer;
  readonly response_put?: object;
  readonly response_delete_range?: { readonly deleted: string };
  readonly response_txn?: TxnAnswer;
}

/**
 * The state that etcd's members agree on: keys with their revisions, leases' keys, and history until it is compacted. Written from etcd's
 * documentation and from what was seen of it (correctness.md V4-V8): all conditions of a transaction, also of those nested in it, are
 * evaluated before any of its writes.
 */
export class EtcdStore {
  readonly #rows = new KeyTable<Row>();
  readonly #history: Revision[] = [];
  #revision = 1;
  #compacted = 0;
  #keyCount = 0;

  get revision(): number {
    return this.#revision;
  }

  /** Below it there is no history. */
  get compactedRevision(): number {
    return this.#compacted;
  }

  get keyCount(): number {
    return this.#keyCount;
  }

  /** Throws EtcdError for its form, or for a lease that is gone: nothing has happened then. Returns what it wrote, null if nothing. */
  txn(request: TxnRequest, hasLease: (id: string) => boolean): { answer: TxnAnswer; written: Revision | null } {
    checkForm(request);
    const verdicts: boolean[] = [];
    this.#judge(request, verdicts);
    // Nested ones of the log put nothing under a lease.
    for (const { request_put: put } of branchOf(request, verdicts[0] === true))
      if (put?.lease !== undefined && !hasLease(String(put.lease))) throw notFound("requested lease not found");
    const events: KeyEvent[] = [];
    const answer = this.#perform(request, verdicts, events);
    return { answer, written: this.#close(events) };
  }

  range(request: RangeRequest): RangeAnswer {
    const from = textOf(request.key);
    const keys = request.range_end === undefined ? this.#one(from) : this.#rows.keysIn(from, endOf(request.range_end));
    const limit = Number(request.limit ?? 0);
    const shown = limit > 0 ? keys.slice(0, limit) : keys;
    const kvs = shown.map((key) => keyValue(key, this.#rows.get(key) as Row, request.keys_only === true));
    return { kvs, more: shown.length < keys.length, count: String(keys.length) };
  }

  /** Deletes what lies under a lease, as one revision. */
  dropLease(lease: string): Revision | null {
    const events: KeyEvent[] = [];
    for (const key of this.#rows.keysIn("", null)) if (this.#rows.get(key)?.lease === lease) this.#delete(key, events);
    return this.#close(events);
  }

  /** Throws EtcdError when it is compacted already, or not there yet. */
  compact(revision: number): void {
    if (revision <= this.#compacted) throw outOfRange("mvcc: required revision has been compacted");
    if (revision > this.#revision) throw outOfRange("mvcc: required revision is a future revision");
    this.#compacted = revision;
    const kept = this.#history.findIndex((entry) => entry.revision >= revision);
    this.#history.splice(0, kept === -1 ? this.#history.length : kept);
  }

  /** All revisions from `revision` on that are still known. */
  since(revision: number): readonly Revision[] {
    let at = this.#history.length;
    while (at > 0 && (this.#history[at - 1] as Revision).revision >= revision) at--;
    return this.#history.slice(at);
  }

  #one(key: string): string[] {
    return this.#rows.get(key) === undefined ? [] : [key];
  }

  /** The verdicts of this transaction and of those nested in the branch that it takes, in the order in which `#perform` meets them. */
  #judge(request: TxnRequest, verdicts: boolean[]): void {
    const holds = (request.compare ?? []).every((compare) => this.#holds(compare));
    verdicts.push(holds);
    for (const op of branchOf(request, holds)) if (op.request_txn !== undefined) this.#judge(op.request_txn, verdicts);
  }

  #perform(request: TxnRequest, verdicts: boolean[], events: KeyEvent[]): TxnAnswer {
    const succeeded = verdicts.shift() === true;
    const responses = branchOf(request, succeeded).map((op): OpAnswer => {
      if (op.request_txn !== undefined) return { response_txn: this.#perform(op.request_txn, verdicts, events) };
      if (op.request_range !== undefined) return { response_range: this.range(op.request_range) };
      if (op.request_put !== undefined) {
        const { key, value, lease } = op.request_put;
        this.#put(textOf(key), { value: Buffer.from(value ?? Buffer.alloc(0)), lease: String(lease ?? 0) }, events);
        return { response_put: {} };
      }
      const { key, range_end: end } = op.request_delete_range ?? {};
      const keys = end === undefined ? this.#one(textOf(key)) : this.#rows.keysIn(textOf(key), endOf(end));
      for (const each of keys) this.#delete(each, events);
      return { response_delete_range: { deleted: String(keys.length) } };
    });
    return { succeeded, responses };
  }

  #holds(compare: Compare): boolean {
    const from = textOf(compare.key);
    const keys = compare.range_end === undefined ? [from] : this.#rows.keysIn(from, endOf(compare.range_end));
    return keys.every((key) => {
      const row = this.#rows.get(key);
      // EQUAL is all that the log asks for. Targets: 0 version, 1 create, 2 mod, 3 value.
      switch (compare.target as number) {
        case 1:
          return (row?.createRevision ?? 0) === Number(compare.create_revision);
        case 2:
          return (row?.modRevision ?? 0) === Number(compare.mod_revision);
        case 3:
          return row !== undefined && row.value.equals(compare.value ?? Buffer.alloc(0));
        default:
          return (row?.version ?? 0) === Number(compare.version);
      }
    });
  }

  #put(key: string, { value, lease }: { value: Buffer; lease: string }, events: KeyEvent[]): void {
    const modRevision = this.#revision + 1;
    const before = this.#rows.get(key);
    const createRevision = before?.createRevision ?? modRevision;
    const row = { value, lease, modRevision, createRevision, version: (before?.version ?? 0) + 1 };
    if (before === undefined) this.#keyCount++;
    this.#rows.set(key, row);
    events.push({ type: "Put", kv: keyValue(key, row, false) });
  }

  #delete(key: string, events: KeyEvent[]): void {
    this.#rows.delete(key);
    this.#keyCount--;
    const row = { value: Buffer.alloc(0), lease: "0", modRevision: this.#revision + 1, createRevision: 0, version: 0 };
    events.push({ type: "Delete", kv: keyValue(key, row, false) });
  }

  #close(events: readonly KeyEvent[]): Revision | null {
    if (events.length === 0) return null;
    this.#revision++;
    const written = { revision: this.#revision, events };
    this.#history.push(written);
    return written;
  }
}

function branchOf(request: TxnRequest, succeeded: boolean): readonly RequestOp[] {
  return (succeeded ? request.success : request.failure) ?? [];
}

function keyValue(key: string, row: Row, isKeyOnly: boolean): KeyValue {
  return {
    key: Buffer.from(key, "latin1"),
    value: isKeyOnly ? Buffer.alloc(0) : Buffer.from(row.value),
    create_revision: String(row.createRevision),
    mod_revision: String(row.modRevision),
    version: String(row.version),
    lease: row.lease,
  };
}
