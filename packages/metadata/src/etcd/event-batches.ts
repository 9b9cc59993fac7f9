import type { IEvent } from "etcd3";
import type { ViewPosition, ViewWrite } from "../ports/view.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import { decodeTail, type TailRecord } from "./tail-record.ts";

/** What one batch wrote, in the order of its transaction. */
export interface EventBatch {
  readonly position: ViewPosition;
  readonly tail: TailRecord;
  readonly writes: readonly ViewWrite[];
}

/** The stream of tails does not go on where it should: events are missing, or it is another log. */
export class BrokenLineage extends Error {
  override readonly name = "BrokenLineage";
  /** `gap`: events were lost, the view is read anew. `other`: what was seen is contradicted. */
  readonly kind: "gap" | "other";

  constructor(kind: "gap" | "other", message: string) {
    super(message);
    this.kind = kind;
  }
}

/**
 * Collects a watch's events into batches: a batch is whole when its tail comes. Checks that tails follow each other without a gap, and
 * that a watch that resumes begins with the very batch that was applied last (correctness.md F1, F15).
 */
export class EventBatches {
  readonly #keys: EtcdKeys;
  readonly #logId: string;
  readonly #tailText: string;
  #last: ViewPosition;
  /** The batch that was applied last has not come by again yet. */
  #isResuming: boolean;
  #writes: ViewWrite[] = [];

  /** `start`: the watch asks from its revision on (inclusive). `resuming`: whether the batch of that revision must come first. */
  constructor(parts: { keys: EtcdKeys; start: ViewPosition; resuming: "yes" | "no" }) {
    this.#keys = parts.keys;
    this.#logId = parts.start.logId;
    this.#last = parts.start;
    this.#isResuming = parts.resuming === "yes";
    this.#tailText = parts.keys.withoutPrefix(Buffer.from(parts.keys.tail)).toString("latin1");
  }

  /** The batches that these events complete. Throws {@link BrokenLineage}. */
  take(events: readonly IEvent[]): EventBatch[] {
    const whole: EventBatch[] = [];
    for (const event of events) {
      const revision = Number(event.kv.mod_revision);
      const key = this.#keys.withoutPrefix(event.kv.key);
      const isTail = key.byteLength === this.#tailText.length && key.toString("latin1") === this.#tailText;
      if (!isTail) {
        if (revision > this.#last.revision) this.#writes.push(writeOf(event, key, revision));
        continue;
      }
      const batch = this.#close(event, revision);
      if (batch !== null) whole.push(batch);
    }
    return whole;
  }

  #close(event: IEvent, revision: number): EventBatch | null {
    if (event.type !== "Put") throw new BrokenLineage("other", "the tail was deleted");
    const tail = decodeTail(event.kv.value);
    const version = Number(event.kv.version);
    if (this.#isResuming) {
      const { revision: r, sequence, checksum } = this.#last;
      if (revision !== r || version !== sequence || tail.batch !== checksum)
        throw new BrokenLineage(
          "other",
          `batch ${sequence} at revision ${r} was ${checksum}, and is ${tail.batch} (${version} at ${revision})`,
        );
      this.#isResuming = false;
      this.#writes = [];
      return null;
    }
    // An old event again after a partition (etcd #15271).
    if (revision <= this.#last.revision) {
      this.#writes = [];
      return null;
    }
    if (version !== this.#last.sequence + 1)
      throw new BrokenLineage("gap", `batch ${this.#last.sequence} is followed by ${version}`);
    const position = { logId: this.#logId, revision, term: 1, sequence: version, checksum: tail.batch };
    const writes = this.#writes;
    this.#writes = [];
    this.#last = position;
    return { position, tail, writes };
  }
}

function writeOf(event: IEvent, key: Buffer, revision: number): ViewWrite {
  return event.type === "Put" ? { kind: "put", key, value: event.kv.value, revision } : { kind: "delete", key };
}
