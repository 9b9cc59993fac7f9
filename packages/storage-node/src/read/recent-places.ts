import { placeBytes, type SegmentPlace } from "../index/index-values.ts";

/**
 * The records that this process wrote or read last, up to a number of bytes: they are surely in the page cache, so that a
 * blocking read of them does not block [F18]. First in, first out: a record that is read again after it fell out comes back.
 */
export class RecentPlaces {
  readonly #bytesMax: number;
  readonly #bytesOf = new Map<number, number>();
  /** A ring of the names in the map. (Taking the oldest key out of a large Map walks over all those deleted before it.) */
  readonly #names: Float64Array;
  #oldest = 0;
  #bytes = 0;

  constructor(limits: { readonly bytesMax: number; readonly countMax: number }) {
    this.#bytesMax = limits.bytesMax;
    this.#names = new Float64Array(limits.countMax);
  }

  note(place: SegmentPlace): void {
    const name = nameOf(place);
    if (this.#bytesOf.has(name)) return;
    const bytes = placeBytes(place);
    if (this.#bytesOf.size === this.#names.length) this.#dropOldest();
    this.#names[(this.#oldest + this.#bytesOf.size) % this.#names.length] = name;
    this.#bytesOf.set(name, bytes);
    this.#bytes += bytes;
    while (this.#bytes > this.#bytesMax) this.#dropOldest();
  }

  has(place: SegmentPlace): boolean {
    return this.#bytesOf.has(nameOf(place));
  }

  #dropOldest(): void {
    const name = this.#names[this.#oldest]!;
    this.#oldest = (this.#oldest + 1) % this.#names.length;
    this.#bytes -= this.#bytesOf.get(name) ?? 0;
    this.#bytesOf.delete(name);
  }
}

/** Segments of different runs may share a name: then a read may wait for the disk once, and nothing else. */
function nameOf(place: SegmentPlace): number {
  return (place.segmentId % 2 ** 21) * 2 ** 32 + place.offset;
}
