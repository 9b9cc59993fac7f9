import { ClusterFailure, type Clock, type Timer } from "@kakera/kernel";

export interface Runner {
  /** Settles when it arrived; never rejects. */
  readonly arrival: Promise<void>;
  /** Whether it arrived as it should, once it did. */
  readonly isWell: () => boolean;
  /** Called when it is not waited for any longer. */
  readonly giveUp: () => void;
}

export interface StragglerRule {
  /** So many must arrive well. */
  readonly quorum: number;
  readonly graceMs: number;
  readonly deadlineMs: number;
}

/**
 * Waits for all runners; for those that come more than `graceMs` after the `quorum`-th no longer: they are given up.
 * Rejects with ClusterFailure `retry` when fewer than `quorum` can arrive, or have by the deadline.
 */
export async function awaitStragglers(runners: readonly Runner[], rule: StragglerRule, clock: Clock): Promise<void> {
  const waiting = new Set(runners);
  let wellCount = 0;
  let timer: Timer | null = null;
  const tooFew = (): ClusterFailure =>
    new ClusterFailure("retry", "too few drives take their shards", { reason: "QUORUM_LOST" });
  await new Promise<void>((resolve, reject) => {
    const deadline = clock.setTimer(rule.deadlineMs, () => end(() => reject(tooFew())));
    const end = (settle: () => void): void => {
      timer?.cancel();
      deadline.cancel();
      settle();
    };
    const stopWaiting = (): void => {
      for (const runner of waiting) runner.giveUp();
      end(resolve);
    };
    const arrived = (runner: Runner): void => {
      waiting.delete(runner);
      if (runner.isWell()) wellCount++;
      if (wellCount + waiting.size < rule.quorum) return end(() => reject(tooFew()));
      if (waiting.size === 0) return end(resolve);
      if (wellCount >= rule.quorum) timer ??= clock.setTimer(rule.graceMs, stopWaiting);
    };
    if (runners.length < rule.quorum) return end(() => reject(tooFew()));
    for (const runner of runners) void runner.arrival.then(() => arrived(runner));
  });
}
