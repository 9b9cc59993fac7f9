import { failedCondition, keyText, type ConditionState } from "../evaluate-change.ts";
import type { Change, Compare, KeyRange } from "../ports/commit-log.ts";
import type { Key, View } from "../ports/view.ts";

/** What one batch will have changed, for conditions: a revision for each key written, 0 for each key deleted. */
class Layer {
  readonly revisions = new Map<string, number>();
  readonly deletedRanges: KeyRange[] = [];

  add(change: Change, revision: number): void {
    for (const range of change.deleteRanges ?? []) {
      this.deletedRanges.push(range);
      for (const text of this.revisions.keys()) if (isInside(keyOf(text), range)) this.revisions.set(text, 0);
    }
    for (const key of change.deletes) this.revisions.set(keyText(key), 0);
    for (const put of change.puts) this.revisions.set(keyText(put.key), revision);
  }

  /** null: this layer says nothing of the key. */
  revisionOf(key: Key, text: string): number | null {
    const revision = this.revisions.get(text);
    if (revision !== undefined) return revision;
    if (this.deletedRanges.length === 0) return null;
    return this.deletedRanges.some((range) => isInside(key, range)) ? 0 : null;
  }
}

/**
 * The view plus the batches that are not durable yet: what the single writer evaluates conditions against. Changes take
 * effect one after the other, so the order of a batch is a serial one (correctness.md F2).
 */
export class PendingState implements ConditionState {
  readonly #view: View;
  #forming = new Layer();
  #flying: Layer | null = null;

  constructor(view: View) {
    this.#view = view;
  }

  /** Evaluates, and when all conditions hold takes the change in. Returns the failed key, or null. */
  offer(change: Change, revision: number): Key | null {
    const failed = failedCondition(change, this);
    if (failed === null) this.#forming.add(change, revision);
    return failed;
  }

  /** The batch being formed takes off; the next begins. */
  takeOff(): void {
    this.#flying = this.#forming;
    this.#forming = new Layer();
  }

  /** The batch in flight is in the view now. */
  landed(): void {
    this.#flying = null;
  }

  /** What was not sent will not be. */
  forgetForming(): void {
    this.#forming = new Layer();
  }

  holds({ key, revision, readAt }: Compare): boolean {
    const pending = this.#pendingRevisionOf(key);
    if (pending !== null) return pending === revision;
    // Nothing has been applied since it was read there.
    if (readAt === this.#view.appliedRevision && readAt > 0) return true;
    return this.#appliedRevisionOf(key) === revision;
  }

  firstKeyIn(from: Key, to: Key): Key | null {
    let first: Key | null = null;
    this.#view.walk(from, to, (key) => {
      if (this.#revisionOf(key) === 0) return "next";
      first = key;
      return "stop";
    });
    for (const layer of [this.#forming, this.#flying]) {
      for (const text of layer?.revisions.keys() ?? []) {
        const key = keyOf(text);
        if (!isInside(key, { from, to }) || this.#revisionOf(key) === 0) continue;
        if (first === null || Buffer.compare(key, first) < 0) first = key;
      }
    }
    return first;
  }

  #revisionOf(key: Key): number {
    return this.#pendingRevisionOf(key) ?? this.#appliedRevisionOf(key);
  }

  /** null: no batch on its way says anything of the key. */
  #pendingRevisionOf(key: Key): number | null {
    const text = keyText(key);
    return this.#forming.revisionOf(key, text) ?? this.#flying?.revisionOf(key, text) ?? null;
  }

  #appliedRevisionOf(key: Key): number {
    return this.#view.with(key, (_, revision) => revision) ?? 0;
  }
}

function isInside(key: Key, range: KeyRange): boolean {
  return Buffer.compare(key, range.from) >= 0 && Buffer.compare(key, range.to) < 0;
}

function keyOf(text: string): Buffer {
  return Buffer.from(text, "latin1");
}
