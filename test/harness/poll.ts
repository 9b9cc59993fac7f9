const pauseMsMin = 20;
const pauseMsMax = 500;
/** Of the time that a look took. A cluster that is asked for its status without a pause has no time left for what is waited for. */
const pauseRatio = 4;

/** Looks until the condition holds: true; or for so long: false. What takes long to look at is looked at less often. */
export async function poll(condition: () => Promise<boolean> | boolean, withinMs: number): Promise<boolean> {
  for (const sinceMs = performance.now(); ;) {
    const beganMs = performance.now();
    if (await condition()) return true;
    const nowMs = performance.now();
    if (nowMs - sinceMs > withinMs) return false;
    const pauseMs = Math.min(pauseMsMax, Math.max(pauseMsMin, pauseRatio * (nowMs - beganMs)));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
