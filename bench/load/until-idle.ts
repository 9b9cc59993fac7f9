import { cpuMicroseconds } from "./cpu.ts";

const intervalMs = 500;
/** As little as the server's own timers take. */
const idleMicroseconds = 20_000;
const quietIntervals = 4;
const waitMsMax = 300_000;

/** Until what the server does by itself after a start (it counts all objects) is through: four quiet half seconds in a row. */
export async function untilIdle(pid: number): Promise<void> {
  const untilMs = performance.now() + waitMsMax;
  for (let quiet = 0, last = cpuMicroseconds(pid); quiet < quietIntervals;) {
    if (performance.now() > untilMs) throw new Error("the server does not come to rest");
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
    const now = cpuMicroseconds(pid);
    quiet = now - last <= idleMicroseconds ? quiet + 1 : 0;
    last = now;
  }
}
