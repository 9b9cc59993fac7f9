import { monitorEventLoopDelay } from "node:perf_hooks";
import { SECOND_MS, type Clock } from "@kakera/kernel";

const resolutionMs = 20;
const windowMs = 10 * SECOND_MS;
const nanosecondsPerSecond = 1e9;

/** How long the event loop keeps its callers waiting: the 99th percentile of the last whole window, in seconds. */
export function watchEventLoopLag(clock: Clock): { readonly p99Seconds: () => number } {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  let p99Seconds = 0;
  const rotate = (): void => {
    // The histogram counts the time between its own ticks, so an idle loop shows the resolution itself.
    p99Seconds = Math.max(0, histogram.percentile(99) / nanosecondsPerSecond - resolutionMs / SECOND_MS);
    histogram.reset();
    clock.setTimer(windowMs, rotate);
  };
  clock.setTimer(windowMs, rotate);
  return { p99Seconds: () => p99Seconds };
}
