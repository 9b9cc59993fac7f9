import { assert } from "@kakera/kernel";
import type { WatchedBodyStore, Watermarks, WriteNumbers } from "@kakera/gateway";
import { MarkQueue } from "./mark-queue.ts";

/** Of its bodies, what a process answers for. */
export type WatchedWork = Pick<WatchedBodyStore, "reads" | "writes" | "writeFloor" | "moveOn">;

/** What a process reports of its work, whenever it is asked. Each number only rises. */
export interface WorkReport {
  /** Marks up to here are passed. */
  readonly readsPassed: number;
  readonly writesPassed: number;
  /** Its writes with lower numbers are decided. */
  readonly writeFloor: number;
}

/** Marks as they are told to other processes. */
export interface WorkMarks {
  readonly reads: number;
  readonly writes: number;
}

/** More writes than a process begins between two words of the log's process. */
const numbersPerBlock = 2 ** 20;

/** Another process, as this one knows its work. It holds everything back that is not proved to have ended. */
export class OtherWork {
  #report: WorkReport;
  #mayRead = true;
  #mayWrite = true;

  constructor(start: WorkReport) {
    this.#report = start;
  }

  report({ readsPassed, writesPassed, writeFloor }: WorkReport): void {
    const last = this.#report;
    this.#report = {
      readsPassed: Math.max(last.readsPassed, readsPassed),
      writesPassed: Math.max(last.writesPassed, writesPassed),
      writeFloor: Math.max(last.writeFloor, writeFloor),
    };
  }

  /** The process has ended: call when the system says so, not when it is silent. */
  readsNoMore(): void {
    this.#mayRead = false;
  }

  /** It has ended, and all that it had handed over to be committed is decided. */
  writesNoMore(): void {
    this.#mayWrite = false;
  }

  get isOver(): boolean {
    return !this.#mayRead && !this.#mayWrite;
  }

  get readsPassed(): number {
    return this.#mayRead ? this.#report.readsPassed : Infinity;
  }

  get writesPassed(): number {
    return this.#mayWrite ? this.#report.writesPassed : Infinity;
  }

  get writeFloor(): number {
    return this.#mayWrite ? this.#report.writeFloor : Infinity;
  }
}

/**
 * The work of all processes of a server as one: they share a session, so its writes take their numbers from blocks that are given out
 * here, and nothing may be believed to have ended before it has in all of them (correctness.md F7, F27 R6, R8).
 */
export class ProcessMarks {
  readonly #own: WatchedWork;
  readonly #others = new Set<OtherWork>();
  readonly #ownReads: MarkQueue;
  readonly #ownWrites: MarkQueue;
  readonly reads: Watermarks;
  readonly writes: Watermarks;
  #marks: WorkMarks = { reads: 0, writes: 0 };
  #nextNumber: number | null = null;

  constructor(own: WatchedWork) {
    this.#own = own;
    this.#ownReads = new MarkQueue(own.reads);
    this.#ownWrites = new MarkQueue(own.writes);
    this.reads = this.#watermarks("reads", this.#ownReads, (other) => other.readsPassed);
    this.writes = this.#watermarks("writes", this.#ownWrites, (other) => other.writesPassed);
  }

  /** The highest that were set: a process that has seen them and reports them passed has ended all that was under way then. */
  get marks(): WorkMarks {
    return this.#marks;
  }

  /** Every write of the session with a lower number is decided. Never falls. */
  get writeFloor(): number {
    return Math.min(this.#own.writeFloor, ...[...this.#live()].map((other) => other.writeFloor));
  }

  /** A process that is about to be started. It begins after all marks that were set, with numbers of its own. */
  admit(): { readonly work: OtherWork; readonly numbers: WriteNumbers } {
    const numbers = this.takeNumbers();
    const { reads, writes } = this.#marks;
    const work = new OtherWork({ readsPassed: reads, writesPassed: writes, writeFloor: numbers.start });
    this.#others.add(work);
    return { work, numbers };
  }

  /** Numbers that were never given out. */
  takeNumbers(): WriteNumbers {
    if (this.#nextNumber === null) {
      // Until now this process had all numbers for itself.
      this.#nextNumber = this.#own.writes.set();
      this.moveOn();
    }
    assert(this.#nextNumber !== null, "numbers are given out in order");
    const start = this.#nextNumber;
    this.#nextNumber += numbersPerBlock;
    return { start, end: this.#nextNumber };
  }

  /** This process' own writes go on with new numbers; nothing happens as long as it has all of them. */
  moveOn(): void {
    if (this.#nextNumber !== null) this.#own.moveOn(this.takeNumbers());
  }

  *#live(): Iterable<OtherWork> {
    for (const other of this.#others) {
      if (other.isOver) this.#others.delete(other);
      else yield other;
    }
  }

  #watermarks(kind: keyof WorkMarks, own: MarkQueue, passedBy: (other: OtherWork) => number): Watermarks {
    return {
      set: () => {
        const number = this.#marks[kind] + 1;
        this.#marks = { ...this.#marks, [kind]: number };
        own.note(number);
        return number;
      },
      isPassed: (mark) => own.passed >= mark && [...this.#live()].every((other) => passedBy(other) >= mark),
    };
  }
}
