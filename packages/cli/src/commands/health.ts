import { resolveLiveSettings, type LiveFlags } from "../client/live-settings.ts";
import { createServerClient } from "../client/server-client.ts";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";

/** `kakera health [--ready]`: unsigned, for container health checks. 0 = well, 3 = not. */
export async function runHealth(
  flags: LiveFlags & { readonly ready?: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  const settings = resolveLiveSettings(flags, terminal);
  const client = createServerClient(settings, { nowMs: () => terminal.clock.nowMs(), credentials: null });
  try {
    const answer = await client.getPlain(flags.ready === true ? "/health/ready" : "/health/live");
    const isWell = answer.status === 200;
    const state = flags.ready === true ? "ready" : "live";
    const reasons = isWell ? [] : answer.text.split(/\s+/).filter((word) => /^[A-Z_]+$/.test(word));
    if (settings.isJson) terminal.print(JSON.stringify({ kind: "health", version: 1, check: state, isWell, reasons }));
    else if (isWell && !settings.isQuiet) terminal.print(state);
    if (isWell) return exitCodes.done;
    throw new CommandFailure(
      reasons[0] ?? "NOT_READY",
      `the server is not ${state}${reasons.length > 1 ? ` (${reasons.join(" ")})` : ""}`,
      {
        exitCode: exitCodes.unreachable,
        remedy: "kakera status",
      },
    );
  } finally {
    await client.close();
  }
}
