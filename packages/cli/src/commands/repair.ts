import type { StatusReport } from "../admin/status-report.ts";
import { judgeAnswer } from "../client/judge-answer.ts";
import type { LiveFlags } from "../client/live-settings.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { withSignedClient } from "./live.ts";
import { describeCensus, describeRepair } from "./render-status.ts";
import { exitCodeOf, fetchStatus } from "./status.ts";

/** `kakera repair [status]`: what the last count found, and what waits to be mended. */
export function runRepairStatus(flags: LiveFlags, terminal: Terminal): Promise<ExitCode> {
  return withSignedClient(flags, terminal, async (live) => {
    const report = await fetchStatus(live);
    if (live.settings.isJson) terminal.print(JSON.stringify(asRepairStatus(report)));
    else for (const line of renderRepair(report)) terminal.print(line);
    return exitCodeOf(report);
  });
}

const sentences = {
  now: "everything is counted now, and what is short is mended at once (kakera repair status)",
  pause: "nothing is mended until kakera repair resume",
  resume: "what waits is mended",
} as const;
export type RepairWord = keyof typeof sentences;

/** `kakera repair now|pause|resume`: an order to whichever node leads. */
export function runRepairOrder(order: RepairWord, flags: LiveFlags, terminal: Terminal): Promise<ExitCode> {
  return withSignedClient(flags, terminal, async (live) => {
    const text = judgeAnswer(await live.client.send("POST", "/kakera/admin/v1/repair", JSON.stringify({ order })));
    if (live.settings.isJson) terminal.print(text);
    else if (!live.settings.isQuiet) terminal.print(sentences[order]);
    return exitCodes.done;
  });
}

function renderRepair(report: StatusReport): string[] {
  return [`census    ${describeCensus(report)}`, `repair    ${describeRepair(report)}`];
}

function asRepairStatus({ census, repair, nowMs }: StatusReport): object {
  return { kind: "repair-status", version: 1, nowMs, census, repair };
}
