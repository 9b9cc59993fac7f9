import { ClusterFailure, sleep, type Clock, type Logger } from "@kakera/kernel";

export interface LoopParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Runs `turn` again and again, `intervalMs` from the end of one to the start of the next, until the signal is aborted. A
 * turn that fails as clusters do (a drive away, the log out of reach) is taken up again by the next. Rejects with any
 * other failure: a bug.
 */
export async function runLoop(
  name: string,
  turn: () => Promise<unknown>,
  parts: LoopParts & { readonly intervalMs: number },
): Promise<void> {
  const { clock, logger, signal, intervalMs } = parts;
  while (!signal.aborted) {
    try {
      await turn();
    } catch (failure) {
      if (signal.aborted) return;
      if (!(failure instanceof ClusterFailure)) throw failure;
      logger.log("warn", "maintenance.turn-failed", { loop: name, reason: failure.reason, message: failure.message });
    }
    try {
      await sleep(clock, intervalMs, signal);
    } catch {
      return; // it ends
    }
  }
}
