import type { Clock, Timer } from "@kakera/kernel";
import { DriveSlowFailure } from "./drive-slow.ts";

export interface CallGateSettings {
  /** Calls under way at most. Below the thread pool's size over the number of drives, so that a dead drive cannot take it all. */
  readonly callsMax: number;
  /** Calls that may wait for their turn; more are refused. */
  readonly queuedCallsMax: number;
  /** From its start, for a call under way; from its asking, for one that waits. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  /** A call under way has passed its deadline; called once until `onRecovered`. */
  readonly onSuspect: () => void;
  /** All calls that had passed their deadline have ended. */
  readonly onRecovered?: () => void;
}

interface Call {
  /** Never rejects; resolves when the call has ended, whoever still waits for it. */
  readonly begin: () => Promise<void>;
  readonly reject: (failure: DriveSlowFailure) => void;
  sinceMs: number;
  isAbandoned: boolean;
  ended: Promise<void>;
}

/**
 * Lets at most `callsMax` calls to one drive be under way [F18]. A call past its deadline rejects its caller, though it
 * goes on and keeps its slot; the drive is then suspect, and every other call is refused until it has ended.
 * One timer serves all calls: they have the same deadline, so that the oldest is the next to pass it.
 */
export class CallGate {
  readonly #settings: CallGateSettings;
  /** In order of their start. */
  readonly #underWay = new Set<Call>();
  readonly #queue: Call[] = [];
  #abandonedCount = 0;
  #timer: Timer | null = null;

  constructor(settings: CallGateSettings) {
    this.#settings = settings;
  }

  get isSuspect(): boolean {
    return this.#abandonedCount > 0;
  }

  get callsUnderWay(): number {
    return this.#underWay.size;
  }

  /** Resolves when the calls now under way have ended. */
  async settled(): Promise<void> {
    await Promise.all([...this.#underWay].map((call) => call.ended));
  }

  /** Throws when the drive is suspect. */
  check(): void {
    if (this.isSuspect) throw new DriveSlowFailure("the drive has not answered an earlier call");
  }

  /** `onLate` gets the result of a call whose caller was already rejected. */
  run<Result>(start: () => Promise<Result>, onLate?: (result: Result) => void): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.check();
      const begin = async (): Promise<void> => {
        try {
          const result = await start();
          if (call.isAbandoned) onLate?.(result);
          else resolve(result);
        } catch (error) {
          reject(error instanceof Error ? error : new Error("a disk call rejected", { cause: error }));
        }
        this.#end(call);
      };
      const call: Call = { begin, reject, sinceMs: this.#nowMs(), isAbandoned: false, ended: Promise.resolve() };
      if (this.#underWay.size < this.#settings.callsMax) this.#begin(call);
      else if (this.#queue.length < this.#settings.queuedCallsMax) this.#queue.push(call);
      else throw new DriveSlowFailure("too many calls wait for the drive");
      this.#watch();
    });
  }

  #begin(call: Call): void {
    call.sinceMs = this.#nowMs();
    this.#underWay.add(call);
    call.ended = call.begin();
  }

  #end(call: Call): void {
    this.#underWay.delete(call);
    if (call.isAbandoned) {
      this.#abandonedCount -= 1;
      if (this.#abandonedCount === 0) this.#settings.onRecovered?.();
    }
    const next = this.#queue.shift();
    if (next !== undefined) this.#begin(next);
  }

  #watch(): void {
    if (this.#timer !== null) return;
    const oldestMs = Math.min(oldestOf(this.#queue), oldestOf(this.#notAbandoned()));
    if (oldestMs === Infinity) return;
    const delayMs = Math.max(0, oldestMs + this.#settings.deadlineMs - this.#nowMs());
    this.#timer = this.#settings.clock.setTimer(delayMs, () => {
      this.#timer = null;
      this.#rejectOverdue();
      this.#watch();
    });
  }

  #rejectOverdue(): void {
    const dueMs = this.#nowMs() - this.#settings.deadlineMs;
    while (this.#queue[0] !== undefined && this.#queue[0].sinceMs <= dueMs) {
      this.#queue.shift()?.reject(new DriveSlowFailure("the drive's queue did not move in time"));
    }
    const overdue = [...this.#notAbandoned()].filter((call) => call.sinceMs <= dueMs);
    if (overdue.length === 0) return;
    const becomesSuspect = !this.isSuspect;
    this.#abandonedCount += overdue.length;
    for (const call of overdue) {
      call.isAbandoned = true;
      call.reject(new DriveSlowFailure("the drive did not answer in time", call.ended));
    }
    for (const call of this.#queue.splice(0)) {
      call.reject(new DriveSlowFailure("the drive has not answered an earlier call"));
    }
    if (becomesSuspect) this.#settings.onSuspect();
  }

  *#notAbandoned(): Generator<Call> {
    for (const call of this.#underWay) if (!call.isAbandoned) yield call;
  }

  #nowMs(): number {
    return this.#settings.clock.monotonicMs();
  }
}

/** The first is the oldest: calls are kept in the order of their start. */
function oldestOf(calls: Iterable<Call>): number {
  for (const call of calls) return call.sinceMs;
  return Infinity;
}
