import { placeBytes, type SegmentPlace } from "../index/index-values.ts";

/**
 * The records that this process wrote or read last, up to a number of bytes: they are surely in the page cache, so that a
 * blocking read of them does not block [F18]. First in, first out: a record that is read again after it fell out comes back.
 * Looked up by every small read and added to by every small write, so in arrays of numbers: a table with two slots for each
 * hash, in which of three records with one hash the later two are known. (A Map of as many numbers misses the CPU's caches
 * several times for each call.)
 */
export class RecentPlaces {
  readonly #bytesMax: number;
  /** A ring, the oldest first. */
  readonly #names: Float64Array;
  readonly #bytesOf: Float64Array;
  /** Names by their hash, two and two, the later one first; 0: nobody. */
  readonly #slots: Float64Array;
  readonly #slotShift: number;
  #oldest = 0;
  #count = 0;
  #bytes = 0;

  constructor(limits: { readonly bytesMax: number; readonly countMax: number }) {
    this.#bytesMax = limits.bytesMax;
    this.#names = new Float64Array(limits.countMax);
    this.#bytesOf = new Float64Array(limits.countMax);
    const hashBits = Math.ceil(Math.log2(2 * limits.countMax));
    this.#slots = new Float64Array(2 * 2 ** hashBits);
    this.#slotShift = 32 - hashBits;
  }

  note(place: SegmentPlace): void {
    const name = nameOf(place);
    const slot = this.#slotOf(name);
    if (this.#slots[slot] === name || this.#slots[slot + 1] === name) return;
    const bytes = placeBytes(place);
    if (this.#count === this.#names.length) this.#dropOldest();
    const at = (this.#oldest + this.#count) % this.#names.length;
    this.#names[at] = name;
    this.#bytesOf[at] = bytes;
    if (this.#slots[slot] !== 0) this.#slots[slot + 1] = this.#slots[slot]!;
    this.#slots[slot] = name;
    this.#count += 1;
    this.#bytes += bytes;
    while (this.#bytes > this.#bytesMax) this.#dropOldest();
  }

  has(place: SegmentPlace): boolean {
    const name = nameOf(place);
    const slot = this.#slotOf(name);
    return this.#slots[slot] === name || this.#slots[slot + 1] === name;
  }

  /** The upper bits of a product depend on all bits of its factors: offsets are multiples of 8. */
  #slotOf(name: number): number {
    const segment = Math.floor(name / 2 ** 32);
    return ((Math.imul(name % 2 ** 32, 0x9e37_79b1) ^ Math.imul(segment, 0x85eb_ca6b)) >>> this.#slotShift) * 2;
  }

  #dropOldest(): void {
    const name = this.#names[this.#oldest]!;
    const slot = this.#slotOf(name);
    if (this.#slots[slot] === name) this.#slots[slot] = 0;
    else if (this.#slots[slot + 1] === name) this.#slots[slot + 1] = 0;
    this.#bytes -= this.#bytesOf[this.#oldest]!;
    this.#oldest = (this.#oldest + 1) % this.#names.length;
    this.#count -= 1;
  }
}

/** Segments of different runs may share a name: then a read may wait for the disk once, and nothing else. */
function nameOf(place: SegmentPlace): number {
  return (place.segmentId % 2 ** 21) * 2 ** 32 + place.offset;
}
