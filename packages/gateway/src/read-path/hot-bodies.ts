/** With bodies of 12 KiB it holds 48 MiB. */
const slotCount = 4096;
const wordsPerId = 4;

/**
 * Small bodies that are read again and again, whole, as the text that is sent: to locate, read and verify one costs as much as all
 * else of its GET (ADR 0016). A body never changes and its id is never used twice, so what is kept is never stale; what no record
 * names any more is not asked for. Of the bodies that share a slot the one comes in that is read twice in a row: one that is read
 * once costs a number.
 */
export class HotBodies {
  readonly #bytesMax: number;
  /** By slot: who was last offered, and who is kept. */
  readonly #offered = new Uint32Array(slotCount * wordsPerId);
  readonly #kept = new Uint32Array(slotCount * wordsPerId);
  readonly #texts: (string | null)[] = new Array<string | null>(slotCount).fill(null);

  /** `bytesMax`: of one body. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The whole body, one char for each byte. `dataId`: 16 random bytes. */
  get(dataId: Uint8Array): string | null {
    const slot = slotOf(dataId);
    return isAt(this.#kept, slot, dataId) ? this.#texts[slot]! : null;
  }

  /** A body that was read, whole and verified. */
  offer(dataId: Uint8Array, latin1: string): void {
    if (latin1.length > this.#bytesMax) return;
    const slot = slotOf(dataId);
    if (!isAt(this.#offered, slot, dataId)) return setAt(this.#offered, slot, dataId);
    setAt(this.#kept, slot, dataId);
    this.#texts[slot] = latin1;
  }
}

function slotOf(dataId: Uint8Array): number {
  return wordOf(dataId, 0) % slotCount;
}

function isAt(ids: Uint32Array, slot: number, dataId: Uint8Array): boolean {
  for (let word = 0; word < wordsPerId; word += 1) {
    if (ids[slot * wordsPerId + word] !== wordOf(dataId, word)) return false;
  }
  return true;
}

function setAt(ids: Uint32Array, slot: number, dataId: Uint8Array): void {
  for (let word = 0; word < wordsPerId; word += 1) ids[slot * wordsPerId + word] = wordOf(dataId, word);
}

function wordOf(bytes: Uint8Array, word: number): number {
  const at = 4 * word;
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
