import { SECOND_MS, sleep } from "@kakera/kernel";
import type { StatusReport } from "../admin/status-report.ts";
import type { LiveFlags } from "../client/live-settings.ts";
import { judgeAnswer } from "../client/judge-answer.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { withSignedClient, type Live } from "./live.ts";
import { renderStatus } from "./render-status.ts";

const watchIntervalMs = 2 * SECOND_MS;

/** `kakera status [--watch]`: one screen. 0 = healthy, 1 = something needs attention, 6 = data is lost. */
export function runStatus(flags: LiveFlags & { readonly watch?: boolean }, terminal: Terminal): Promise<ExitCode> {
  return withSignedClient(flags, terminal, async (live) => {
    const interrupted = flags.watch === true ? terminal.takeInterrupts() : null;
    for (;;) {
      const report = await fetchStatus(live);
      if (interrupted !== null && !live.settings.isJson) terminal.clear();
      show(report, live);
      if (interrupted === null) return exitCodeOf(report);
      try {
        await sleep(terminal.clock, watchIntervalMs, interrupted);
      } catch {
        return exitCodes.done; // the person has seen enough
      }
    }
  });
}

export async function fetchStatus(live: Live): Promise<StatusReport> {
  return JSON.parse(judgeAnswer(await live.client.send("GET", "/kakera/admin/v1/status"))) as StatusReport;
}

function show(report: StatusReport, live: Live): void {
  if (live.settings.isJson) live.terminal.print(JSON.stringify(report));
  else for (const line of renderStatus(report, live.settings)) live.terminal.print(line);
}

/** Conditions that only inform do not fail a script. */
export function exitCodeOf(report: StatusReport): ExitCode {
  if (report.census.lostCount > 0) return exitCodes.dataLost;
  return report.health === "ok" ? exitCodes.done : exitCodes.attention;
}
