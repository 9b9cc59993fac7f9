const marksMax = 64;
/** Of a revision beside its keys and values, roughly; also of those that are no batch. */
const revisionBytes = 200;

/**
 * Where in etcd's history so many bytes lie behind: counted from what a view applies, as etcd tells only the size of history and rows
 * together. What was before this process began is not counted.
 */
export class HistoryMarks {
  readonly #stepBytes: number;
  readonly #marks: { revision: number; bytes: number }[] = [];
  #revision = 0;
  #bytes = 0;

  /** `bytesMax`: the most that will be asked for. */
  constructor(bytesMax: number) {
    this.#stepBytes = Math.max(1, bytesMax / (marksMax - 1));
  }

  /** `bytes`: of what was written at this revision, which is above the last. */
  add(revision: number, bytes: number): void {
    const revisions = this.#revision === 0 ? 1 : revision - this.#revision;
    this.#revision = revision;
    this.#bytes += bytes + revisions * revisionBytes;
    if (this.#bytes - (this.#marks.at(-1)?.bytes ?? 0) < this.#stepBytes) return;
    this.#marks.push({ revision, bytes: this.#bytes });
    if (this.#marks.length > marksMax) this.#marks.shift();
  }

  /** The last revision known that has at least `bytes` written behind it; 0 = none. */
  revisionBefore(bytes: number): number {
    return this.#marks.findLast((mark) => mark.bytes <= this.#bytes - bytes)?.revision ?? 0;
  }
}
