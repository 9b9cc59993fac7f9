import { setImmediate as nextTurn } from "node:timers/promises";

/** Waits, turn by turn of the event loop, until `holds`; throws after five seconds. */
export async function eventually(holds: () => boolean, what: string): Promise<void> {
  const untilMs = performance.now() + 5_000;
  while (!holds()) {
    if (performance.now() > untilMs) throw new Error(`it did not happen: ${what}`);
    await nextTurn();
  }
}
