import { ClusterFailure, type BucketId } from "@kakera/kernel";
import type { BucketUsage, Entry, Key, RangeEntry, View } from "../ports/view.ts";
import type { Doubt } from "./doubt.ts";

/**
 * A view of which some rows are in doubt: whatever rests on one of them throws ClusterFailure `retry`, and is neither shown
 * nor denied. All else reads as ever. Usage is as it was before the batch in doubt.
 */
export class DoubtfulView implements View {
  readonly #view: View;
  readonly #doubt: Doubt;

  constructor(view: View, doubt: Doubt) {
    this.#view = view;
    this.#doubt = doubt;
  }

  get appliedRevision(): number {
    return this.#view.appliedRevision;
  }

  get entryCount(): number {
    return this.#view.entryCount;
  }

  generation(table: number): number {
    return this.#view.generation(table);
  }

  get(key: Key): Entry | null {
    this.#checkKey(key);
    return this.#view.get(key);
  }

  with<T>(key: Key, read: (value: Buffer, revision: number) => T): T | null {
    this.#checkKey(key);
    return this.#view.with(key, read);
  }

  range(from: Key, to: Key, limit: number): RangeEntry[] {
    const entries = this.#view.range(from, to, limit);
    const last = entries.at(-1);
    if (last !== undefined && entries.length >= limit) this.#checkUpTo(from, last.key);
    else this.#checkRange(from, to);
    return entries;
  }

  walk(
    from: Key,
    to: Key,
    visit: (key: Buffer, value: Buffer, revision: number) => "next" | "stop" | { seek: Key },
  ): void {
    let next = this.#doubt.next(from);
    let isStopped = false;
    this.#view.walk(from, to, (key, value, revision) => {
      if (next !== null && Buffer.compare(next, key) <= 0) throw refusal();
      const step = visit(key, value, revision);
      isStopped = step === "stop";
      // What is passed over has no part in the answer.
      if (typeof step === "object") next = this.#doubt.next(step.seek);
      return step;
    });
    if (!isStopped && next !== null && Buffer.compare(next, to) < 0) throw refusal();
  }

  last(from: Key, to: Key): RangeEntry | null {
    const last = this.#view.last(from, to);
    this.#checkRange(last?.key ?? from, to);
    return last;
  }

  usage(bucketId: BucketId): BucketUsage {
    return this.#view.usage(bucketId);
  }

  #checkKey(key: Key): void {
    this.#checkUpTo(key, key);
  }

  /** [from, last] */
  #checkUpTo(from: Key, last: Key): void {
    const next = this.#doubt.next(from);
    if (next !== null && Buffer.compare(next, last) <= 0) throw refusal();
  }

  /** [from, to) */
  #checkRange(from: Key, to: Key): void {
    const next = this.#doubt.next(from);
    if (next !== null && Buffer.compare(next, to) < 0) throw refusal();
  }
}

function refusal(): ClusterFailure {
  const message = "too few drives can be reached to tell whether the journal's last batch was acknowledged";
  return new ClusterFailure("retry", message, { reason: "LOG_UNREACHABLE" });
}
