import { DAY_MS, SECOND_MS, sleep } from "@kakera/kernel";
import { signMetricsToken } from "@kakera/gateway";
import { resolveCredentials, type LiveFlags } from "../client/live-settings.ts";
import { judgeAnswer } from "../client/judge-answer.ts";
import { CommandFailure, usageFailure } from "../command-failure.ts";
import { InvalidValue, parseDuration } from "../config/parse-values.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { measureTop, readScrape, type Scrape } from "../top/measure-top.ts";
import { withSignedClient, type Live } from "./live.ts";
import { renderTop } from "./render-top.ts";
import { fetchStatus } from "./status.ts";

export interface TopFlags extends LiveFlags {
  readonly once?: boolean;
  readonly interval?: string;
}

const intervalDefault = "2s";
const intervalMsMin = SECOND_MS / 10;

/**
 * `kakera top [--once] [--interval 2s]`: what the node at the endpoint does, from one scrape to the next. A screen that is renewed on a
 * terminal, one report after the other elsewhere, until Ctrl-C.
 */
export function runTop(flags: TopFlags, terminal: Terminal): Promise<ExitCode> {
  const intervalMs = intervalOf(flags.interval ?? intervalDefault);
  return withSignedClient(flags, terminal, async (live) => {
    const scrape = await createScraper(flags, live);
    const interrupted = terminal.takeInterrupts();
    let before = await scrape();
    while (!interrupted.aborted) {
      await sleep(terminal.clock, intervalMs, interrupted).catch(() => undefined);
      if (interrupted.aborted) break;
      const after = await scrape();
      const { drives } = await fetchStatus(live);
      const report = measureTop([before, after], { endpoint: live.settings.endpoint.origin, drives });
      if (live.settings.isJson) terminal.print(JSON.stringify(report));
      else {
        if (flags.once !== true) terminal.clear();
        for (const line of renderTop(report)) terminal.print(line);
        if (flags.once !== true && !terminal.machine.isTerminal) terminal.print("");
      }
      if (flags.once === true) break;
      before = after;
    }
    return exitCodes.done;
  });
}

/** Scrapes as Prometheus does, with a token that is good for a day: a longer look makes the next one. */
async function createScraper(flags: TopFlags, live: Live): Promise<() => Promise<Scrape>> {
  const { accessKey, secretKey } = await resolveCredentials(flags, live.terminal);
  const nowMs = (): number => live.terminal.clock.nowMs();
  return async () => {
    const token = signMetricsToken(accessKey, secretKey, Math.floor((nowMs() + DAY_MS) / SECOND_MS));
    const answer = await live.client.getPlain("/metrics", { authorization: `Bearer ${token}` });
    if (answer.status === 403)
      throw new CommandFailure("NOT_PERMITTED", "the server does not show its metrics to this key", {
        exitCode: exitCodes.notPermitted,
        remedy: 'eval "$(kakera credentials show)"',
      });
    return readScrape(judgeAnswer(answer), nowMs());
  };
}

function intervalOf(text: string): number {
  try {
    const intervalMs = parseDuration(text);
    if (intervalMs >= intervalMsMin) return intervalMs;
    throw new InvalidValue("at least 100ms");
  } catch (error) {
    if (error instanceof InvalidValue) throw usageFailure(`--interval: "${text}" is not ${error.message}`);
    throw error;
  }
}
