import { assert } from "@kakera/kernel";
import type { SharedMemory, Slab } from "@kakera/erasure";
import type { WorkArea } from "@kakera/rpc";

/** Areas of the shared memory for one piece of work. One that a hung drive may still fill goes back when it has. */
export class WorkAreas implements Disposable {
  readonly areas: readonly Slab[];
  readonly #busy = new Map<Slab, Promise<void>>();

  /** Throws ClusterFailure `retry` when the memory is in use. */
  constructor(memory: SharedMemory, count: number, sizeBytes: number) {
    const areas: Slab[] = [];
    try {
      for (let i = 0; i < count; i++) areas.push(memory.acquire(sizeBytes));
    } catch (failure) {
      for (const area of areas) area.release();
      throw failure;
    }
    this.areas = areas;
  }

  /** A drive holds on to `area` until `released`. */
  keepBusy(area: WorkArea, released: Promise<void>): void {
    const slab = this.areas.find((each) => each === area);
    assert(slab !== undefined, "the area is one of these");
    this.#busy.set(slab, released);
  }

  [Symbol.dispose](): void {
    for (const area of this.areas) {
      const released = this.#busy.get(area);
      if (released === undefined) area.release();
      else void released.then(() => area.release());
    }
  }
}
