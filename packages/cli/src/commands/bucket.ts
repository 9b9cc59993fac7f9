import type { BucketReport } from "../admin/status-report.ts";
import { judgeAnswer } from "../client/judge-answer.ts";
import type { LiveFlags } from "../client/live-settings.ts";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { formatBytes, formatCount, formatTable, formatTime } from "./format-values.ts";
import { withSignedClient, type Live } from "./live.ts";

/** `kakera bucket ls` */
export function runBucketList(flags: LiveFlags, terminal: Terminal): Promise<ExitCode> {
  return withSignedClient(flags, terminal, async (live) => {
    const buckets = await fetchBuckets(live);
    if (live.settings.isJson) for (const bucket of buckets) terminal.print(JSON.stringify(bucket));
    else for (const bucket of buckets) terminal.print(`${formatTime(bucket.createdMs)}  ${bucket.name}`);
    return exitCodes.done;
  });
}

/** `kakera bucket usage [NAME]`: exact, from the view. */
export function runBucketUsage(name: string | undefined, flags: LiveFlags, terminal: Terminal): Promise<ExitCode> {
  return withSignedClient(flags, terminal, async (live) => {
    const all = await fetchBuckets(live);
    const buckets = name === undefined ? all : all.filter((bucket) => bucket.name === name);
    if (name !== undefined && buckets.length === 0) throw noSuchBucket(name);
    if (live.settings.isJson) for (const bucket of buckets) terminal.print(JSON.stringify(bucket));
    else for (const line of usageTable(buckets)) terminal.print(line);
    return exitCodes.done;
  });
}

/** `kakera bucket create NAME` */
export function runBucketCreate(name: string, flags: LiveFlags, terminal: Terminal): Promise<ExitCode> {
  return withSignedClient(flags, terminal, async (live) => {
    judgeAnswer(await live.client.send("PUT", `/${encodeURIComponent(name)}`));
    announce(live, { kind: "bucket-created", name, sentence: `bucket ${name} is there` });
    return exitCodes.done;
  });
}

/** `kakera bucket rm NAME`: only an empty one. */
export function runBucketRemove(name: string, flags: LiveFlags, terminal: Terminal): Promise<ExitCode> {
  return withSignedClient(flags, terminal, async (live) => {
    judgeAnswer(await live.client.send("DELETE", `/${encodeURIComponent(name)}`));
    announce(live, { kind: "bucket-removed", name, sentence: `bucket ${name} is gone` });
    return exitCodes.done;
  });
}

async function fetchBuckets(live: Live): Promise<BucketReport[]> {
  const text = judgeAnswer(await live.client.send("GET", "/kakera/admin/v1/buckets"));
  return (JSON.parse(text) as { buckets: BucketReport[] }).buckets;
}

function usageTable(buckets: readonly BucketReport[]): string[] {
  const head = ["BUCKET", "OBJECTS", "SIZE", "OPEN UPLOADS", "THEIR PARTS"];
  const rows = buckets.map((bucket) => [
    bucket.name,
    formatCount(bucket.objectCount),
    formatBytes(bucket.sizeBytes),
    formatCount(bucket.uploadCount),
    formatBytes(bucket.partBytes),
  ]);
  return formatTable([head, ...rows], [1, 2, 3, 4]);
}

function announce(live: Live, news: { readonly kind: string; readonly name: string; readonly sentence: string }): void {
  if (live.settings.isJson) live.terminal.print(JSON.stringify({ kind: news.kind, version: 1, name: news.name }));
  else if (!live.settings.isQuiet) live.terminal.print(news.sentence);
}

function noSuchBucket(name: string): CommandFailure {
  return new CommandFailure("NoSuchBucket", `there is no bucket ${name}`, {
    exitCode: exitCodes.attention,
    remedy: "kakera bucket ls",
  });
}
