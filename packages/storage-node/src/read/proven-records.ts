import { containerOf, type Place } from "../index/index-values.ts";

/** What a read of a large record needs after its head and tail were proven once. */
export interface ProvenRecord {
  /** From the file's start. */
  readonly payloadStart: number;
  readonly payloadBytes: number;
  readonly chunkSizeBytes: number;
  readonly blockChecksums: Buffer;
}

const recordsMax = 1024;

/**
 * The last large records that were read. A later window costs one read and not three; that its bytes are the right ones
 * is shown by their block checksums, which are the shard's own.
 */
export class ProvenRecords {
  readonly #records = new Map<string, ProvenRecord>();

  get(place: Place): ProvenRecord | null {
    return this.#records.get(nameOf(place)) ?? null;
  }

  add(place: Place, record: ProvenRecord): void {
    this.#records.set(nameOf(place), record);
    if (this.#records.size <= recordsMax) return;
    for (const oldest of this.#records.keys()) return void this.#records.delete(oldest);
  }
}

function nameOf(place: Place): string {
  return place.kind === "segment" ? `${place.segmentId}:${place.offset}` : `${containerOf(place)}`;
}
