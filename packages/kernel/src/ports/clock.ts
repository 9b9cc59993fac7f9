/** Time. Wall time fills Last-Modified and answers clients; ordering, deletion and deadlines use monotonic time only. */
export interface Clock {
  /** Milliseconds since the epoch, whole. May jump. */
  nowMs(): number;
  /** Milliseconds since some fixed moment of this process, fractional. Never goes back. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs`. The timer does not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /**
   * Calls `callback` once, when the event loop has handled what it has at hand: what arrived together can be worked on
   * together, at no wait.
   */
  atTurnEnd(callback: () => void): void;
}

export interface Timer {
  cancel(): void;
}

/** Resolves after `delayMs`; rejects with the signal's reason when it is aborted first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason as Error);
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
