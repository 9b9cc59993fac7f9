import { assert, type Timer } from "@kakera/kernel";
import { nextTurn } from "./drivers/next-turn.ts";

interface Planned {
  readonly dueMs: number;
  /** Order of planning: what is due at one moment happens in it. */
  readonly serial: number;
  callback: (() => void) | null;
}

const stepsPerMs = 1024;
/** Events of one history: who needs more turns in circles. */
const eventsMax = 300_000;

/** The time of a whole world: it stands still while anything can still be done, and then goes to the next event. */
export class VirtualTime {
  readonly #heap: Planned[] = [];
  #nowMs = 0;
  #serial = 0;
  #eventCount = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  get eventCount(): number {
    return this.#eventCount;
  }

  after(delayMs: number, callback: () => void): Timer {
    // Never sooner than asked for, and in steps whose sums are exact: "since + deadline - now" ends at "since + deadline".
    const delay = Math.ceil(Math.max(0, delayMs) * stepsPerMs) / stepsPerMs;
    const planned: Planned = { dueMs: this.#nowMs + delay, serial: this.#serial++, callback };
    push(this.#heap, planned);
    return { cancel: () => void (planned.callback = null) };
  }

  /** Lets time pass until `isOver` holds or `untilMs` is there. */
  async run(untilMs: number, isOver: () => boolean = () => false): Promise<void> {
    for (;;) {
      // Every promise that can go on does so before time does.
      await nextTurn();
      if (isOver()) return;
      const next = this.#takeDue(untilMs);
      if (next === null) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return;
      }
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      this.#eventCount++;
      assert(this.#eventCount < eventsMax, "a history comes to an end");
      next.callback?.();
    }
  }

  #takeDue(untilMs: number): Planned | null {
    for (;;) {
      const [first] = this.#heap;
      if (first === undefined || (first.dueMs > untilMs && first.callback !== null)) return null;
      pop(this.#heap);
      if (first.callback !== null) return first;
    }
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.serial < b.serial);
}

function push(heap: Planned[], planned: Planned): void {
  let at = heap.push(planned) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(planned, heap[parent] as Planned)) break;
    heap[at] = heap[parent] as Planned;
    at = parent;
  }
  heap[at] = planned;
}

function pop(heap: Planned[]): void {
  const last = heap.pop() as Planned;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Planned, heap[child] as Planned)) child++;
    if (!isBefore(heap[child] as Planned, last)) break;
    heap[at] = heap[child] as Planned;
    at = child;
  }
  heap[at] = last;
}
