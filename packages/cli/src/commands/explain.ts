import { judgeExplanation, type ExplainReport } from "../admin/explain-report.ts";
import { judgeAnswer } from "../client/judge-answer.ts";
import type { LiveFlags } from "../client/live-settings.ts";
import { usageFailure } from "../command-failure.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { withSignedClient } from "./live.ts";
import { renderExplanation } from "./render-explanation.ts";

export interface ExplainFlags extends LiveFlags {
  /** Every byte is read and verified. */
  readonly read?: boolean;
  readonly chunks?: string;
}

const chunksDefault = 16;
const chunksMax = 1_000;

/** `kakera explain s3://BUCKET/KEY`: 0 = whole, 1 = something is short or damaged, 6 = fewer than k shards answer. */
export function runExplain(address: string, flags: ExplainFlags, terminal: Terminal): Promise<ExitCode> {
  const { bucket, key } = parseAddress(address);
  const count = parseChunks(flags.chunks);
  return withSignedClient(flags, terminal, async (live) => {
    const query = new URLSearchParams({ bucket, key, reads: flags.read === true ? "blocks" : "headers" });
    query.set("chunks", String(count));
    const path = `/kakera/admin/v1/explain?${query.toString().replaceAll("+", "%20")}`;
    const report = JSON.parse(judgeAnswer(await live.client.send("GET", path))) as ExplainReport;
    if (live.settings.isJson) terminal.print(JSON.stringify(report));
    else for (const line of renderExplanation(report)) terminal.print(line);
    const verdict = judgeExplanation(report.chunks);
    if (verdict === "lost") return exitCodes.dataLost;
    return verdict === "ok" ? exitCodes.done : exitCodes.attention;
  });
}

function parseAddress(address: string): { readonly bucket: string; readonly key: string } {
  const match = /^(?:s3:\/\/)?([^/]+)\/(.+)$/s.exec(address);
  if (match === null) throw usageFailure(`${address} names no object`, "kakera explain s3://BUCKET/KEY");
  return { bucket: match[1] as string, key: match[2] as string };
}

function parseChunks(text: string | undefined): number {
  const count = text === undefined ? chunksDefault : Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= chunksMax) return count;
  throw usageFailure(`--chunks ${text} is no number from 1 to ${chunksMax}`, "kakera explain --help");
}
