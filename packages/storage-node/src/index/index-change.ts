import type { ShardRef } from "@kakera/rpc";
import { recordBytesOf, type RecordEntry } from "../record/record-entry.ts";
import { deadKey, keyKind, refKey, sealKey, sequenceKey, useKey } from "./index-keys.ts";
import {
  containerOf,
  decodeMark,
  decodePlace,
  decodeUse,
  encodeMark,
  encodePlace,
  encodeUse,
  placeBytes,
  segmentPlace,
  type Mark,
  type Place,
  type SegmentUse,
} from "./index-values.ts";
import type { StoreChange } from "./ordered-store.ts";

const nothing = Buffer.alloc(0);
const unsealed: SegmentUse = { liveBytes: 0, sizeBytes: 0, recordBytes: 0 };

/**
 * Applies what is found in segments and own files to the index, inside one transaction. Whatever the order in which
 * records are applied, and however often, the result is the same: the record with the highest sequence number is live
 * unless a tombstone kills up to it; of two copies with one number that in the newer segment is live. So the same code
 * indexes what was just written, catches up after a crash, and rebuilds from nothing.
 */
export class IndexChange {
  readonly #store: StoreChange;
  readonly #useDeltas = new Map<number, number>();
  /** No tombstone kills a record with this or a higher sequence number: none is looked for. */
  #unkilledFrom: number;
  /** By how many the number of live shards grew. */
  shardCountDelta = 0;

  constructor(store: StoreChange, unkilledFrom: number) {
    this.#store = store;
    this.#unkilledFrom = unkilledFrom;
  }

  applyEntry(segmentId: number, entry: RecordEntry): void {
    if (entry.kind === "shard") this.applyShard(entry.ref, segmentPlace(segmentId, entry));
    else this.#applyMark(segmentId, entry);
  }

  applyShard(ref: ShardRef, place: Place): void {
    if (place.sequence < this.#unkilledFrom && place.sequence <= this.#killedUpTo(ref))
      return this.#addDead(ref, place);
    const key = refKey(keyKind.live, ref);
    const stored = this.#store.get(key);
    const current = stored === undefined ? null : decodePlace(stored);
    if (current !== null) {
      if (isSamePlace(current, place)) return;
      if (!supersedes(place, current)) return this.#addDead(ref, place);
      this.#addUse(current, -1);
      this.#addDead(ref, current);
    } else this.shardCountDelta += 1;
    this.#store.put(key, encodePlace(place));
    this.#addUse(place, 1);
  }

  /** The segment is known from now on, whatever is live in it. */
  touchSegment(segmentId: number): void {
    this.#addBytes(segmentId, 0);
  }

  /** The segment has come to its end and all of it is indexed. */
  sealSegment(segmentId: number, sizes: { readonly sizeBytes: number; readonly recordBytes: number }): void {
    this.touchSegment(segmentId);
    const { liveBytes } = this.#useOf(segmentId) ?? unsealed;
    this.#store.put(useKey(segmentId), encodeUse({ ...sizes, liveBytes }));
  }

  /** The container is gone, durably: so are the dead records that it held. */
  dropDead(ref: ShardRef, container: number): void {
    this.#store.delete(deadKey(ref, container));
    if (container < 0) this.#store.delete(sequenceKey(keyKind.leaving, -container));
  }

  /** The segment with the shard's live record is lost. */
  dropLost(ref: ShardRef): void {
    this.#store.delete(refKey(keyKind.live, ref));
    this.shardCountDelta -= 1;
  }

  /** No record that it kills is left anywhere: the tombstone is garbage. */
  dropTombstone(ref: ShardRef): void {
    const key = refKey(keyKind.tomb, ref);
    const mark = this.#markAt(key);
    if (mark === null) return;
    this.#store.delete(key);
    this.#addBytes(mark.segmentId, -mark.recordBytes);
  }

  /** The segment is gone. */
  dropSegment(segmentId: number): void {
    this.#useDeltas.delete(segmentId);
    this.#store.delete(useKey(segmentId));
  }

  /** Writes the sums, as the last call of the change. Returns the live bytes of the segments that changed. */
  finish(): ReadonlyMap<number, SegmentUse> {
    const uses = new Map<number, SegmentUse>();
    for (const [segmentId, delta] of this.#useDeltas) {
      const before = this.#useOf(segmentId);
      const use = { ...(before ?? unsealed), liveBytes: (before?.liveBytes ?? 0) + delta };
      if (delta !== 0 || before === null) this.#store.put(useKey(segmentId), encodeUse(use));
      uses.set(segmentId, use);
    }
    return uses;
  }

  #applyMark(segmentId: number, entry: RecordEntry): void {
    const isSeal = entry.kind === "seal";
    const key = isSeal ? sealKey(entry.ref.group) : refKey(keyKind.tomb, entry.ref);
    const mark = {
      mark: entry.mark,
      sequence: entry.sequence,
      segmentId,
      offset: entry.offset,
      recordBytes: recordBytesOf(entry),
    };
    const current = this.#markAt(key);
    if (current !== null) {
      if (!isStronger(mark, current)) return;
      this.#addBytes(current.segmentId, -current.recordBytes);
    }
    this.#store.put(key, encodeMark(mark));
    this.#addBytes(segmentId, mark.recordBytes);
    if (isSeal) return;
    this.#unkilledFrom = Math.max(this.#unkilledFrom, entry.mark + 1);
    this.#kill(entry.ref, entry.mark);
  }

  #kill(ref: ShardRef, upTo: number): void {
    const key = refKey(keyKind.live, ref);
    const stored = this.#store.get(key);
    const current = stored === undefined ? null : decodePlace(stored);
    if (current === null || current.sequence > upTo) return;
    this.#store.delete(key);
    this.#addUse(current, -1);
    this.#addDead(ref, current);
    this.shardCountDelta -= 1;
  }

  #addDead(ref: ShardRef, place: Place): void {
    this.#store.put(deadKey(ref, containerOf(place)), nothing);
    if (place.kind === "own-file")
      this.#store.put(sequenceKey(keyKind.leaving, place.sequence), refKey(keyKind.live, ref));
  }

  #addUse(place: Place, sign: 1 | -1): void {
    if (place.kind === "segment") this.#addBytes(place.segmentId, sign * placeBytes(place));
  }

  #addBytes(segmentId: number, bytes: number): void {
    this.#useDeltas.set(segmentId, (this.#useDeltas.get(segmentId) ?? 0) + bytes);
  }

  #useOf(segmentId: number): SegmentUse | null {
    const stored = this.#store.get(useKey(segmentId));
    return stored === undefined ? null : decodeUse(stored);
  }

  #killedUpTo(ref: ShardRef): number {
    return this.#markAt(refKey(keyKind.tomb, ref))?.mark ?? -1;
  }

  #markAt(key: Buffer): Mark | null {
    const stored = this.#store.get(key);
    return stored === undefined ? null : decodeMark(stored);
  }
}

function isSamePlace(a: Place, b: Place): boolean {
  if (containerOf(a) !== containerOf(b)) return false;
  return a.kind === "own-file" || (b.kind === "segment" && a.offset === b.offset);
}

function supersedes(place: Place, current: Place): boolean {
  if (place.sequence !== current.sequence) return place.sequence > current.sequence;
  return containerOf(place) > containerOf(current);
}

function isStronger(mark: Mark, current: Mark): boolean {
  if (mark.mark !== current.mark) return mark.mark > current.mark;
  if (mark.sequence !== current.sequence) return mark.sequence > current.sequence;
  return mark.segmentId > current.segmentId;
}
