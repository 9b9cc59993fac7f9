import { assert } from "@kakera/kernel";
import type { ShardRef } from "@kakera/rpc";
import type { RecordEntry } from "../record/record-entry.ts";
import { IndexChange } from "./index-change.ts";
import {
  containerOfDeadKey,
  deadRange,
  keyKind,
  kindRange,
  liveRange,
  refKey,
  refOfKey,
  sealKey,
  segmentOfUseKey,
  sequenceKey,
  sequenceOfKey,
  stateKey,
} from "./index-keys.ts";
import {
  decodeMark,
  decodePlace,
  decodeState,
  decodeUse,
  encodeState,
  type IndexState,
  type Mark,
  type Place,
} from "./index-values.ts";
import type { OrderedStore } from "./ordered-store.ts";

export interface IndexedBatch {
  readonly segmentId: number;
  readonly entries: readonly RecordEntry[];
  readonly nextSequence: number;
}

const emptyState: IndexState = { segmentId: 0, nextSequence: 1, shardCount: 0 };

/** Where each shard of the drive is. Derived from the segments and the own files; see index-change.ts for its rules. */
export class ShardIndex {
  readonly #store: OrderedStore;
  readonly #useOfSegment = new Map<number, number>();
  #state: IndexState;

  constructor(store: OrderedStore) {
    this.#store = store;
    const stored = store.get(stateKey);
    this.#state = stored === undefined ? emptyState : decodeState(stored);
    const { from, until } = kindRange(keyKind.use);
    for (const [key, value] of store.range(from, until, Number.MAX_SAFE_INTEGER)) {
      this.#useOfSegment.set(segmentOfUseKey(key), decodeUse(value));
    }
  }

  get state(): IndexState {
    return this.#state;
  }

  find(ref: ShardRef): Place | null {
    const stored = this.#store.get(refKey(keyKind.live, ref));
    return stored === undefined ? null : decodePlace(stored);
  }

  tombstone(ref: ShardRef): Mark | null {
    return this.#mark(refKey(keyKind.tomb, ref));
  }

  seal(group: number): Mark | null {
    return this.#mark(sealKey(group));
  }

  /** Live shards in key order, from the one after `after` on. */
  list(group: number | null, after: ShardRef | null, limit: number): ShardRef[] {
    const { from, until } = liveRange(group);
    const start = after === null ? from : Buffer.concat([refKey(keyKind.live, after), Buffer.of(0)]);
    return this.#store
      .range(Buffer.compare(start, from) < 0 ? from : start, until, limit)
      .map(([key]) => refOfKey(key));
  }

  /** Whether this very record is what the index points to: it must not be lost. */
  isLive(segmentId: number, entry: RecordEntry): boolean {
    if (entry.kind === "shard") {
      const place = this.find(entry.ref);
      return place?.kind === "segment" && place.segmentId === segmentId && place.offset === entry.offset;
    }
    const mark = entry.kind === "seal" ? this.seal(entry.ref.group) : this.tombstone(entry.ref);
    return mark !== null && mark.segmentId === segmentId && mark.offset === entry.offset;
  }

  /** Containers that hold dead records of the shard. */
  deadContainers(ref: ShardRef): number[] {
    const { from, until } = deadRange(ref);
    return this.#store.range(from, until, Number.MAX_SAFE_INTEGER).map(([key]) => containerOfDeadKey(key));
  }

  /** Bytes of the segment that are live. */
  liveBytes(segmentId: number): number {
    return this.#useOfSegment.get(segmentId) ?? 0;
  }

  applyBatch(batch: IndexedBatch): void {
    const newestFrom = this.#state.nextSequence;
    const segmentId = Math.max(this.#state.segmentId, batch.segmentId);
    this.#change((change) => {
      for (const entry of batch.entries) change.applyEntry(batch.segmentId, entry, entry.sequence >= newestFrom);
      return { segmentId, nextSequence: Math.max(newestFrom, batch.nextSequence) };
    });
  }

  /** A file of its own has got its name, durably. Returns whether it is the live record of its shard. */
  applyOwnFile(ref: ShardRef, sequence: number): boolean {
    this.#change((change, store) => {
      change.applyShard(ref, { kind: "own-file", sequence }, false);
      store.delete(sequenceKey(keyKind.arriving, sequence));
      return { ...this.#state, nextSequence: Math.max(this.#state.nextSequence, sequence + 1) };
    });
    return this.find(ref)?.sequence === sequence;
  }

  /** An own file is about to get its name: should the process end before it is indexed, it is looked for. */
  noteArriving(ref: ShardRef, sequence: number): void {
    this.#store.transact((store) => store.put(sequenceKey(keyKind.arriving, sequence), refKey(keyKind.live, ref)));
  }

  dropArriving(sequence: number): void {
    this.#store.transact((store) => store.delete(sequenceKey(keyKind.arriving, sequence)));
  }

  arriving(): { ref: ShardRef; sequence: number }[] {
    return this.#sequences(keyKind.arriving);
  }

  /** Own files that are dead and not known to be unlinked. */
  leaving(): { ref: ShardRef; sequence: number }[] {
    return this.#sequences(keyKind.leaving);
  }

  /** The containers are gone, durably: dead records in them need no tombstone any more. */
  dropDead(gone: readonly { readonly ref: ShardRef; readonly container: number }[]): void {
    this.#change((change) => {
      const goneOf = new Set(gone.map((one) => one.container));
      for (const { ref, container } of gone) {
        change.dropDead(ref, container, (of) => this.deadContainers(of).every((left) => goneOf.has(left)));
      }
      return this.#state;
    });
  }

  dropSegment(segmentId: number): void {
    this.#change((change) => {
      change.dropSegment(segmentId);
      return this.#state;
    });
    this.#useOfSegment.delete(segmentId);
  }

  /** After a rebuild: tombstones of which nothing is left to kill become garbage. */
  dropIdleTombstones(): void {
    const { from, until } = kindRange(keyKind.tomb);
    const idle = this.#store
      .range(from, until, Number.MAX_SAFE_INTEGER)
      .map(([key]) => refOfKey(key))
      .filter((ref) => this.deadContainers(ref).length === 0);
    this.#change((change) => {
      for (const ref of idle) change.dropTombstone(ref);
      return this.#state;
    });
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  #change(work: (change: IndexChange, store: { delete(key: Buffer): void }) => Omit<IndexState, "shardCount">): void {
    let next = this.#state;
    let uses: ReadonlyMap<number, number> = new Map();
    this.#store.transact((store) => {
      const change = new IndexChange(store);
      const state = work(change, store);
      uses = change.finish();
      next = { ...state, shardCount: this.#state.shardCount + change.shardCountDelta };
      assert(next.shardCount >= 0, "a drive has no fewer than no shards");
      store.put(stateKey, encodeState(next));
    });
    this.#state = next;
    for (const [segmentId, bytes] of uses) this.#useOfSegment.set(segmentId, bytes);
  }

  #mark(key: Buffer): Mark | null {
    const stored = this.#store.get(key);
    return stored === undefined ? null : decodeMark(stored);
  }

  #sequences(kind: number): { ref: ShardRef; sequence: number }[] {
    const { from, until } = kindRange(kind);
    return this.#store
      .range(from, until, Number.MAX_SAFE_INTEGER)
      .map(([key, value]) => ({ ref: refOfKey(value), sequence: sequenceOfKey(key) }));
  }
}
