import { assert } from "@kakera/kernel";
import type { ViewBatch, ViewPosition } from "../ports/view.ts";
import { sealGroup, type SealedGroup } from "./group-format.ts";

interface Waiting {
  readonly batch: ViewBatch;
  readonly before: ViewPosition;
  readonly beginsAnew: boolean;
  readonly bytes: number;
  readonly takenMs: number;
}

/** The batches that were taken and are not durable yet, in order, without a gap but where a checkpoint closes it. */
export class Intake {
  readonly #logId: string;
  #taken: ViewPosition | null;
  /** Of a view further on than what was taken: where the batches may go on, as a checkpoint of it is under way. */
  #anchor: ViewPosition | null = null;
  #waiting: Waiting[] = [];
  #bytes = 0;

  /** `start`: what the drives hold already; null = nothing that can be gone on from. */
  constructor(logId: string, start: ViewPosition | null) {
    this.#logId = logId;
    this.#taken = start;
  }

  /** What must come next is the batch behind this one; null: nothing may come yet. */
  get wanted(): ViewPosition | null {
    return this.#anchor ?? this.#taken;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When the oldest batch was taken; null when none waits. */
  get oldestMs(): number | null {
    return this.#waiting[0]?.takenMs ?? null;
  }

  /** A checkpoint of a view at this position begins. Throws AssertionFailure when it is of another lineage than what was taken. */
  anchorAt(position: ViewPosition): void {
    assert(position.logId === this.#logId, "a view is of the log that is archived");
    if (this.#taken === null || position.sequence > this.#taken.sequence) this.#anchor = position;
    else if (position.sequence === this.#taken.sequence) this.#checkSame(position, this.#taken);
  }

  /** Throws AssertionFailure unless the batch follows the last, or the view that a checkpoint is made of. */
  add(batch: ViewBatch, takenMs: number): void {
    const { position } = batch;
    assert(position.logId === this.#logId && position.revision === batch.revision, "a batch is of the archived log");
    const before = this.#predecessorOf(position);
    const beginsAnew = before !== this.#taken;
    if (beginsAnew || position.sequence === this.#anchor?.sequence) {
      if (!beginsAnew) this.#checkSame(position, this.#anchor as ViewPosition);
      this.#anchor = null;
    }
    assert(position.revision > before.revision, "revisions grow");
    this.#taken = position;
    const bytes = sizeOf(batch);
    this.#waiting.push({ batch, before, beginsAnew, bytes, takenMs });
    this.#bytes += bytes;
  }

  /** The next group: what waits, up to `bytesMax` or a single batch, and up to a gap. null when nothing waits. */
  nextGroup(
    bytesMax: number,
    context: { readonly clusterId: string; readonly epoch: number; readonly publishedSequence: number },
  ): SealedGroup | null {
    const [first] = this.#waiting;
    if (first === undefined) return null;
    let [count, bytes] = [0, 0];
    for (const one of this.#waiting) {
      if (count > 0 && (one.beginsAnew || bytes + one.bytes > bytesMax)) break;
      count++;
      bytes += one.bytes;
    }
    const group = this.#waiting.splice(0, count);
    this.#bytes -= bytes;
    const { before, beginsAnew } = first;
    return sealGroup(
      group.map(({ batch }) => batch),
      { ...context, before, beginsAnew },
    );
  }

  #predecessorOf({ sequence }: ViewPosition): ViewPosition {
    for (const one of [this.#taken, this.#anchor]) if (one !== null && one.sequence + 1 === sequence) return one;
    const expected = this.#taken === null ? "none" : String(this.#taken.sequence + 1);
    assert(false, `the archive takes batches without a gap: ${sequence} came where ${expected} was expected`);
  }

  #checkSame(one: ViewPosition, other: ViewPosition): void {
    assert(one.checksum === other.checksum, `batch ${one.sequence} is of one lineage`);
  }
}

const writeOverheadBytes = 16;
const batchOverheadBytes = 32;

/** About what the batch takes in a group. */
function sizeOf({ writes }: ViewBatch): number {
  let bytes = batchOverheadBytes;
  for (const write of writes) {
    bytes += writeOverheadBytes;
    if (write.kind === "put") bytes += write.key.byteLength + write.value.byteLength;
    else if (write.kind === "delete") bytes += write.key.byteLength;
    else bytes += write.from.byteLength + write.to.byteLength;
  }
  return bytes;
}
