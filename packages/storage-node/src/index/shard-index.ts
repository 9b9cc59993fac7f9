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
  groupOfSealKey,
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
  segmentPlace,
  type IndexState,
  type Mark,
  type Place,
  type SegmentUse,
} from "./index-values.ts";
import type { OrderedStore } from "./ordered-store.ts";
import { UnindexedRecords } from "./unindexed-records.ts";

export interface IndexedBatch {
  readonly segmentId: number;
  readonly entries: readonly RecordEntry[];
  readonly nextSequence: number;
}

/** Resolves to what of the state it changes; a lower sequence number than the present one changes nothing. */
type IndexWork = (change: IndexChange, store: { delete(key: Buffer): void }) => Partial<Omit<IndexState, "shardCount">>;

const emptyState: IndexState = { nextSequence: 1, shardCount: 0, isComplete: false };

const pairsPerPage = 4096;

/** So many new records come into the store in one transaction: at 17 a transaction cost as much as all that was in it. */
const unindexedMax = 512;

/**
 * Where each shard of the drive is. Derived from the segments and the own files; see index-change.ts for its rules. New records
 * are kept aside and stored together: a start reads segments that are not sealed anyway.
 */
export class ShardIndex {
  readonly #store: OrderedStore;
  readonly #uses = new Map<number, SegmentUse>();
  #deadBytes = 0;
  /** Looked at by every write. */
  readonly #sealedEpochs = new Map<number, number>();
  readonly #unindexed = new UnindexedRecords();
  /** As stored. */
  #state: IndexState;
  #nextSequence: number;

  constructor(store: OrderedStore) {
    this.#store = store;
    const stored = store.get(stateKey);
    this.#state = stored === undefined ? emptyState : decodeState(stored);
    this.#nextSequence = this.#state.nextSequence;
    const { from, until } = kindRange(keyKind.use);
    for (const [key, value] of store.range(from, until, Number.MAX_SAFE_INTEGER)) {
      this.#setUse(segmentOfUseKey(key), decodeUse(value));
    }
    for (const [key, value] of store.range(...bounds(kindRange(keyKind.seal)))) {
      this.#sealedEpochs.set(groupOfSealKey(key), decodeMark(value).mark);
    }
  }

  /** A shard that was written once more counts twice until its new record is stored. */
  get state(): IndexState {
    const { shardCount, isComplete } = this.#state;
    return { nextSequence: this.#nextSequence, shardCount: shardCount + this.#unindexed.count, isComplete };
  }

  /** Everything on the drive has been indexed once: from now on it is kept up to date. */
  markComplete(): void {
    this.#change(() => ({ isComplete: true }));
  }

  find(ref: ShardRef): Place | null {
    const unindexed = this.#unindexed.find(ref);
    if (unindexed !== null) return segmentPlace(unindexed.segmentId, unindexed.entry);
    const stored = this.#store.get(refKey(keyKind.live, ref));
    return stored === undefined ? null : decodePlace(stored);
  }

  tombstone(ref: ShardRef): Mark | null {
    return this.#mark(refKey(keyKind.tomb, ref));
  }

  /** null: the group was never sealed here. */
  sealedEpoch(group: number): number | null {
    return this.#sealedEpochs.get(group) ?? null;
  }

  /** Live shards in key order, from the one after `after` on. */
  list(group: number | null, after: ShardRef | null, limit: number): ShardRef[] {
    this.#storeUnindexed();
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
    const mark = entry.kind === "seal" ? this.#mark(sealKey(entry.ref.group)) : this.tombstone(entry.ref);
    return mark !== null && mark.segmentId === segmentId && mark.offset === entry.offset;
  }

  /** Containers that hold dead records of the shard. */
  deadContainers(ref: ShardRef): number[] {
    this.#storeUnindexed();
    const { from, until } = deadRange(ref);
    return this.#store.range(from, until, Number.MAX_SAFE_INTEGER).map(([key]) => containerOfDeadKey(key));
  }

  /** Bytes of the segment that are live. */
  liveBytes(segmentId: number): number {
    this.#storeUnindexed();
    return this.#uses.get(segmentId)?.liveBytes ?? 0;
  }

  /** Bytes of records in sealed segments that are dead. */
  get deadBytes(): number {
    return this.#deadBytes;
  }

  applyBatch(batch: IndexedBatch): void {
    if (batch.entries.every((entry) => this.#isNew(entry))) {
      const { segmentId } = batch;
      for (const entry of batch.entries) this.#unindexed.add({ segmentId, entry });
      this.#nextSequence = Math.max(this.#nextSequence, batch.nextSequence);
      if (this.#unindexed.count >= unindexedMax) this.#storeUnindexed();
      return;
    }
    this.#change((change) => {
      change.touchSegment(batch.segmentId);
      for (const entry of batch.entries) change.applyEntry(batch.segmentId, entry);
      return { nextSequence: batch.nextSequence };
    });
    for (const { kind, ref, mark } of batch.entries) {
      if (kind === "seal") this.#sealedEpochs.set(ref.group, Math.max(mark, this.#sealedEpochs.get(ref.group) ?? 0));
    }
  }

  /** Files of their own have got their names, durably. */
  applyOwnFiles(files: readonly { readonly ref: ShardRef; readonly sequence: number }[]): void {
    this.#change((change, store) => {
      let nextSequence = 0;
      for (const { ref, sequence } of files) {
        change.applyShard(ref, { kind: "own-file", sequence });
        store.delete(sequenceKey(keyKind.arriving, sequence));
        nextSequence = Math.max(nextSequence, sequence + 1);
      }
      return { nextSequence };
    });
  }

  /** An own file is about to get its name: should the process end before it is indexed, it is looked for. */
  noteArriving(ref: ShardRef, sequence: number): void {
    this.#store.transact((store) => store.put(sequenceKey(keyKind.arriving, sequence), refKey(keyKind.live, ref)));
  }

  dropArriving(sequence: number): void {
    this.#store.transact((store) => store.delete(sequenceKey(keyKind.arriving, sequence)));
  }

  arriving(): { ref: ShardRef; sequence: number }[] {
    return this.#sequences(keyKind.arriving, Number.MAX_SAFE_INTEGER);
  }

  /** Own files that are dead and not known to be unlinked, at most `limit`. */
  leaving(limit: number): { ref: ShardRef; sequence: number }[] {
    return this.#sequences(keyKind.leaving, limit);
  }

  /** The containers are gone, durably: a tombstone that has nothing else to kill becomes garbage. */
  dropDead(gone: readonly { readonly ref: ShardRef; readonly container: number }[]): void {
    const goneContainers = new Set(gone.map((one) => one.container));
    this.#change((change) => {
      for (const { ref, container } of gone) {
        change.dropDead(ref, container);
        if (this.tombstone(ref) === null) continue;
        if (this.deadContainers(ref).every((left) => goneContainers.has(left))) change.dropTombstone(ref);
      }
      return {};
    });
  }

  /** The segment has come to its end, and all of it was applied. */
  sealSegment(segmentId: number, sizes: { readonly sizeBytes: number; readonly recordBytes: number }): void {
    this.#change((change) => {
      change.sealSegment(segmentId, sizes);
      return {};
    });
  }

  /** Segments that the index knows. */
  uses(): ReadonlyMap<number, SegmentUse> {
    this.#storeUnindexed();
    return this.#uses;
  }

  /** Segments are not there any more: neither is what was in them. Goes through the whole index. */
  dropLostSegments(lost: ReadonlySet<number>): void {
    for (const page of this.#pages(keyKind.live)) {
      const gone = page.filter(([, value]) => isIn(lost, decodePlace(value))).map(([key]) => refOfKey(key));
      this.#dropEach(gone, (change, ref) => change.dropLost(ref));
    }
    for (const page of this.#pages(keyKind.tomb)) {
      const gone = page.filter(([, value]) => lost.has(decodeMark(value).segmentId)).map(([key]) => refOfKey(key));
      this.#dropEach(gone, (change, ref) => change.dropTombstone(ref));
    }
    for (const page of this.#pages(keyKind.dead)) {
      const gone = page.map(([key]) => ({ ref: refOfKey(key), container: containerOfDeadKey(key) }));
      this.dropDead(gone.filter(({ container }) => lost.has(container)));
    }
    for (const segmentId of lost) this.dropSegment(segmentId);
  }

  dropSegment(segmentId: number): void {
    this.#change((change) => {
      change.dropSegment(segmentId);
      return {};
    });
    this.#setUse(segmentId, null);
  }

  /** After a rebuild: tombstones of which nothing is left to kill become garbage. */
  dropIdleTombstones(): void {
    for (const page of this.#pages(keyKind.tomb)) {
      const idle = page.map(([key]) => refOfKey(key)).filter((ref) => this.deadContainers(ref).length === 0);
      this.#dropEach(idle, (change, ref) => change.dropTombstone(ref));
    }
  }

  async close(): Promise<void> {
    this.#storeUnindexed();
    await this.#store.close();
  }

  /** Whether nothing that is stored, or waits to be, is about the same shard and newer. */
  #isNew(entry: RecordEntry): boolean {
    return entry.kind === "shard" && entry.sequence >= this.#nextSequence;
  }

  #storeUnindexed(): void {
    if (this.#unindexed.count === 0) return;
    this.#apply((change) => {
      for (const records of this.#unindexed.all()) {
        for (const { segmentId, entry } of records) change.applyEntry(segmentId, entry);
      }
      return {};
    });
    this.#unindexed.clear();
  }

  #change(work: IndexWork): void {
    this.#storeUnindexed();
    this.#apply(work);
  }

  #apply(work: IndexWork): void {
    let next = this.#state;
    let uses: ReadonlyMap<number, SegmentUse> = new Map();
    this.#store.transact((store) => {
      const change = new IndexChange(store, this.#state.nextSequence);
      const { nextSequence = 0, isComplete = this.#state.isComplete } = work(change, store);
      uses = change.finish();
      next = {
        nextSequence: Math.max(this.#nextSequence, nextSequence),
        shardCount: this.#state.shardCount + change.shardCountDelta,
        isComplete,
      };
      assert(next.shardCount >= 0, "a drive has no fewer than no shards");
      store.put(stateKey, encodeState(next));
    });
    this.#state = next;
    this.#nextSequence = next.nextSequence;
    for (const [segmentId, use] of uses) this.#setUse(segmentId, use);
  }

  /** null: the segment is gone. */
  #setUse(segmentId: number, use: SegmentUse | null): void {
    this.#deadBytes += deadBytesOf(use) - deadBytesOf(this.#uses.get(segmentId) ?? null);
    if (use === null) this.#uses.delete(segmentId);
    else this.#uses.set(segmentId, use);
  }

  #dropEach(refs: readonly ShardRef[], drop: (change: IndexChange, ref: ShardRef) => void): void {
    if (refs.length === 0) return;
    this.#change((change) => {
      for (const ref of refs) drop(change, ref);
      return {};
    });
  }

  /** All pairs of one kind, some thousands at a time; they may be deleted while it goes. */
  *#pages(kind: number): Generator<[Buffer, Buffer][]> {
    const { from: first, until } = kindRange(kind);
    let from = first;
    for (;;) {
      const page = this.#store.range(from, until, pairsPerPage);
      if (page.length > 0) yield page;
      const last = page.at(-1);
      if (last === undefined || page.length < pairsPerPage) return;
      from = Buffer.concat([last[0], Buffer.of(0)]);
    }
  }

  #mark(key: Buffer): Mark | null {
    const stored = this.#store.get(key);
    return stored === undefined ? null : decodeMark(stored);
  }

  #sequences(kind: number, limit: number): { ref: ShardRef; sequence: number }[] {
    const { from, until } = kindRange(kind);
    return this.#store
      .range(from, until, limit)
      .map(([key, value]) => ({ ref: refOfKey(value), sequence: sequenceOfKey(key) }));
  }
}

function deadBytesOf(use: SegmentUse | null): number {
  return use === null || use.sizeBytes === 0 ? 0 : use.recordBytes - use.liveBytes;
}

function isIn(segments: ReadonlySet<number>, place: Place): boolean {
  return place.kind === "segment" && segments.has(place.segmentId);
}

function bounds(range: { from: Buffer; until: Buffer }): [Buffer, Buffer, number] {
  return [range.from, range.until, Number.MAX_SAFE_INTEGER];
}
