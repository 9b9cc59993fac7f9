import { writeSync } from "node:fs";
import { noFailpoints, type Failpoints } from "@kakera/kernel";

/** Ends the process with SIGKILL at the `hitCount`-th hit of the named moment: crash suites start it so. */
export function killAtFailpoint(failpoint: { readonly name: string; readonly hitCount: number } | null): Failpoints {
  if (failpoint === null) return noFailpoints;
  let hits = 0;
  return {
    hit(name) {
      if (name !== failpoint.name || ++hits < failpoint.hitCount) return;
      writeSync(2, `failpoint ${name}\n`);
      process.kill(process.pid, "SIGKILL");
      // Nothing may run between the signal and the end.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    },
  };
}
