import { placeBytes, type SegmentPlace } from "../index/index-values.ts";

/**
 * The records that this process wrote or read last, up to a number of bytes: they are surely in the page cache, so that a
 * blocking read of them does not block [F18].
 */
export class RecentPlaces {
  readonly #bytesMax: number;
  readonly #countMax: number;
  /** Oldest first. */
  readonly #places = new Map<number, number>();
  #bytes = 0;

  constructor(limits: { readonly bytesMax: number; readonly countMax: number }) {
    this.#bytesMax = limits.bytesMax;
    this.#countMax = limits.countMax;
  }

  note(place: SegmentPlace): void {
    const name = nameOf(place);
    this.#drop(name);
    const bytes = placeBytes(place);
    this.#places.set(name, bytes);
    this.#bytes += bytes;
    for (const oldest of this.#places.keys()) {
      if (this.#bytes <= this.#bytesMax && this.#places.size <= this.#countMax) return;
      this.#drop(oldest);
    }
  }

  has(place: SegmentPlace): boolean {
    return this.#places.has(nameOf(place));
  }

  #drop(name: number): void {
    const bytes = this.#places.get(name);
    if (bytes === undefined) return;
    this.#places.delete(name);
    this.#bytes -= bytes;
  }
}

/** Segments of different runs may share a name: then a read may wait for the disk once, and nothing else. */
function nameOf(place: SegmentPlace): number {
  return (place.segmentId % 2 ** 21) * 2 ** 32 + place.offset;
}
