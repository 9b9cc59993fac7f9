import type { EventBatch } from "./event-batches.ts";

/** Bytes that a row takes beside its key and value, roughly. */
const rowBytes = 100;

/** Batches that came while a view was being read, until it can take them. */
export class EventSpool {
  readonly #bytesMax: number;
  #kept: EventBatch[] = [];
  #bytes = 0;
  #failure: Error | null = null;
  #waiting: PromiseWithResolvers<void> | null = null;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** No more is to be added until it was taken: etcd keeps the rest. */
  get isFull(): boolean {
    return this.#bytes >= this.#bytesMax;
  }

  add(batches: readonly EventBatch[]): void {
    if (batches.length === 0) return;
    for (const batch of batches) {
      this.#kept.push(batch);
      this.#bytes += rowBytes;
      for (const write of batch.writes)
        this.#bytes += rowBytes + (write.kind === "put" ? write.key.byteLength + write.value.byteLength : 0);
    }
    this.#waiting?.resolve();
  }

  /** Nothing comes any more. */
  fail(failure: Error): void {
    this.#failure = failure;
    this.#waiting?.reject(failure);
  }

  take(): EventBatch[] {
    const taken = this.#kept;
    this.#kept = [];
    this.#bytes = 0;
    return taken;
  }

  /** Resolves when there is something to take. Rejects with what `fail` was given. */
  async more(): Promise<void> {
    if (this.#kept.length > 0) return;
    if (this.#failure !== null) throw this.#failure;
    this.#waiting = Promise.withResolvers<void>();
    await this.#waiting.promise;
    this.#waiting = null;
  }
}
