import { ClusterFailure, setPatientTimer, type Clock, type Timer } from "@kakera/kernel";

export interface Runner {
  /** Settles with the milliseconds that it took when it arrived; never rejects. */
  readonly arrival: Promise<number>;
  /** Whether it arrived as it should, once it did. */
  readonly isWell: () => boolean;
  /** How long it may come after the `quorum`-th, which took so long. */
  readonly graceMs: (quorumTookMs: number) => number;
  /** Asked when that has passed: whether the others can do without it. */
  readonly isDispensable: () => Promise<boolean>;
  /** Called when it is not waited for any longer. */
  readonly giveUp: () => void;
}

export interface StragglerRule {
  /** So many must arrive well. */
  readonly quorum: number;
  readonly deadlineMs: number;
}

/**
 * Waits for all runners; for those that come too long after the `quorum`-th, and can be done without, no longer: they are
 * given up. Rejects with ClusterFailure `retry` when fewer than `quorum` can arrive, or have by the deadline, or when one that
 * is needed has not, and with what `isDispensable` rejects with.
 */
export async function awaitStragglers(runners: readonly Runner[], rule: StragglerRule, clock: Clock): Promise<void> {
  if (runners.length < rule.quorum) throw tooFew();
  await new Promise<void>((resolve, reject) => new Race(runners, rule, { clock, resolve, reject }).start());
}

class Race {
  readonly #rule: StragglerRule;
  readonly #clock: Clock;
  readonly #settle: { readonly resolve: () => void; readonly reject: (failure: Error) => void };
  /** With the timer of each once it has one. */
  readonly #waiting: Map<Runner, Timer | null>;
  #wellCount = 0;
  #deadline: Timer | null = null;

  constructor(
    runners: readonly Runner[],
    rule: StragglerRule,
    parts: { readonly clock: Clock; readonly resolve: () => void; readonly reject: (failure: Error) => void },
  ) {
    this.#rule = rule;
    this.#clock = parts.clock;
    this.#settle = parts;
    this.#waiting = new Map(runners.map((runner) => [runner, null]));
  }

  start(): void {
    this.#deadline = this.#clock.setTimer(this.#rule.deadlineMs, () => this.#end(tooFew()));
    for (const runner of this.#waiting.keys()) void runner.arrival.then((tookMs) => this.#arrived(runner, tookMs));
  }

  #arrived(runner: Runner, tookMs: number): void {
    this.#waiting.get(runner)?.cancel();
    this.#waiting.delete(runner);
    if (runner.isWell()) this.#wellCount++;
    if (this.#wellCount + this.#waiting.size < this.#rule.quorum) return this.#end(tooFew());
    if (this.#waiting.size === 0) return this.#end(null);
    if (this.#wellCount < this.#rule.quorum) return;
    for (const [late, timer] of this.#waiting) if (timer === null) this.#watch(late, late.graceMs(tookMs));
  }

  #watch(runner: Runner, graceMs: number): void {
    const onLate = (): void =>
      void runner.isDispensable().then(
        (isDispensable) => this.#judge(runner, isDispensable, graceMs),
        (failure: Error) => this.#end(failure),
      );
    this.#waiting.set(runner, setPatientTimer(this.#clock, graceMs, onLate));
  }

  #judge(runner: Runner, isDispensable: boolean, graceMs: number): void {
    // It may have arrived, or everything be over, while this was asked.
    if (!this.#waiting.has(runner)) return;
    if (!isDispensable) return this.#watch(runner, 2 * graceMs);
    this.#waiting.delete(runner);
    runner.giveUp();
    if (this.#waiting.size === 0) this.#end(null);
  }

  #end(failure: Error | null): void {
    for (const timer of this.#waiting.values()) timer?.cancel();
    this.#waiting.clear();
    this.#deadline?.cancel();
    if (failure === null) this.#settle.resolve();
    else this.#settle.reject(failure);
  }
}

function tooFew(): ClusterFailure {
  return new ClusterFailure("retry", "too few drives take their shards", { reason: "QUORUM_LOST" });
}
