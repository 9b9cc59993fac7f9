import { assert, ClusterFailure, type Clock } from "@kakera/kernel";
import { pendingBytes, type PendingRecord } from "./pending-record.ts";

export interface AppendQueueSettings {
  /** Of records in one group commit; one record may be larger and goes alone. */
  readonly syncBytesMax: number;
  readonly syncRecordsMax: number;
  readonly queuedBytesMax: number;
  readonly queuedRecordsMax: number;
}

/** Makes a batch durable and applies it to the index. Called for one batch at a time. */
export type BatchWriter = (records: readonly PendingRecord[]) => Promise<void>;

interface Waiting {
  readonly record: PendingRecord;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: what arrives while a batch flies goes into the next one, so that many records share a sync. A record's
 * promise resolves after a write that started when the record was already in it. There is no timer to wait for company.
 */
export class AppendQueue {
  readonly #settings: AppendQueueSettings;
  readonly #clock: Clock;
  readonly #write: BatchWriter;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #pumping: Promise<void> | null = null;

  constructor(settings: AppendQueueSettings, clock: Clock, write: BatchWriter) {
    this.#settings = settings;
    this.#clock = clock;
    this.#write = write;
  }

  /** Resolves when the record is durable and indexed. Rejects with ClusterFailure `retry` when too much waits already. */
  append(record: PendingRecord): Promise<void> {
    const bytes = pendingBytes(record);
    const isFull =
      this.#waiting.length >= this.#settings.queuedRecordsMax ||
      (this.#waiting.length > 0 && this.#waitingBytes + bytes > this.#settings.queuedBytesMax);
    if (isFull) return Promise.reject(new ClusterFailure("retry", "too many writes wait for the drive"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, bytes, resolve, reject });
      this.#waitingBytes += bytes;
      this.#pumping ??= this.#pump();
    });
  }

  /** Resolves when nothing waits and nothing flies. */
  async idle(): Promise<void> {
    while (this.#pumping !== null) await this.#pumping;
  }

  async #pump(): Promise<void> {
    // Lets those of this very turn of the event loop come along with the first.
    await new Promise<void>((resolve) => this.#clock.atTurnEnd(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#write(batch.map((one) => one.record));
        for (const one of batch) one.resolve();
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    this.#pumping = null;
  }

  #takeBatch(): Waiting[] {
    let count = 0;
    let bytes = 0;
    for (const one of this.#waiting) {
      if (count === this.#settings.syncRecordsMax) break;
      if (count > 0 && bytes + one.bytes > this.#settings.syncBytesMax) break;
      count += 1;
      bytes += one.bytes;
    }
    assert(count > 0, "a batch has a record");
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }
}
