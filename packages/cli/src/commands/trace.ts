import { sleep } from "@kakera/kernel";
import { formatIso } from "@kakera/s3";
import { judgeAnswer } from "../client/judge-answer.ts";
import type { LiveFlags } from "../client/live-settings.ts";
import { usageFailure } from "../command-failure.ts";
import { InvalidValue, parseDuration } from "../config/parse-values.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { splitResource, type TraceFilter } from "../trace/trace-filter.ts";
import type { ClusterTraceBatch } from "../trace/cluster-trace.ts";
import type { TraceBatch, TracedRequest } from "../trace/trace-hub.ts";
import { formatBytes, formatCounted } from "./format-values.ts";
import { withSignedClient, type Live } from "./live.ts";

export interface TraceFlags extends LiveFlags {
  /** BUCKET or BUCKET/PREFIX. */
  readonly bucket?: string;
  readonly operation?: string;
  readonly status?: string;
  readonly errors?: boolean;
  readonly slowerThan?: string;
  /** It ends by itself after so long. */
  readonly for?: string;
}

const path = "/kakera/admin/v1/trace";
/** A call waits for the first request so long: less than the shortest patience of a client or of a proxy. */
const waitMs = 5_000;

/** `kakera trace`: requests of all nodes, all of their processes, as they end, until Ctrl-C or until the server that is asked stops. */
export function runTrace(flags: TraceFlags, terminal: Terminal): Promise<ExitCode> {
  const filter = filterOf(flags);
  const forMs = flags.for === undefined ? null : durationOf("--for", flags.for);
  return withSignedClient(flags, terminal, async (live) => {
    const { client, settings } = live;
    const interrupted = untilAborted(terminal.takeInterrupts());
    const over =
      forMs === null ? interrupted : Promise.race([interrupted, sleep(terminal.clock, forMs).then(() => null)]);
    const opened = JSON.parse(judgeAnswer(await client.send("POST", path, JSON.stringify(filter)))) as { id: string };
    if (!settings.isQuiet) terminal.hint("requests as they end, of all nodes; Ctrl-C ends it");
    let unheard = "";
    try {
      for (;;) {
        const fetched = client.send(
          "GET",
          `${path}?id=${opened.id}&waitMs=${Math.min(waitMs, settings.timeoutMs / 2)}`,
        );
        const answer = await Promise.race([fetched, over]);
        if (answer === null) {
          fetched.catch(() => undefined); // nobody waits for it any more
          return exitCodes.done;
        }
        const batch = JSON.parse(judgeAnswer(answer)) as ClusterTraceBatch;
        show(batch, live);
        const hosts = (batch.unheard ?? []).join(", ");
        if (hosts !== unheard && !settings.isQuiet)
          terminal.hint(hosts === "" ? "all nodes are heard again" : `not heard, their requests are missing: ${hosts}`);
        unheard = hosts;
        if (batch.state === "ending") {
          if (!settings.isQuiet) terminal.hint("the server stops: that was all");
          return exitCodes.done;
        }
      }
    } finally {
      await client.send("POST", `${path}/end`, JSON.stringify(opened)).catch(() => undefined); // it may be gone
    }
  });
}

function show({ requests, droppedCount }: TraceBatch, { terminal, settings }: Live): void {
  for (const request of requests)
    terminal.print(settings.isJson ? JSON.stringify(recordOf(request)) : renderRequest(request));
  if (droppedCount === 0) return;
  if (settings.isJson) terminal.print(JSON.stringify({ kind: "dropped", version: 1, count: droppedCount }));
  else terminal.hint(`${formatCounted(droppedCount, "request")} not shown: they came faster than they were fetched`);
}

function recordOf({ resource, ...request }: TracedRequest): Record<string, unknown> {
  return { kind: "request", version: 1, ...request, ...splitResource(resource) };
}

/** Time, status, operation, time taken, bytes, who, what. Keys are anybody's text: they must not steer the terminal. */
function renderRequest(request: TracedRequest): string {
  const { operation, statusCode, code, durationMs, receivedBytes, sentBytes, clientAddress, requestId } = request;
  const status = String(statusCode ?? "---");
  const error = code === status ? "" : `  ${code}`;
  return [
    formatIso(Math.floor(request.endedMs)).slice(11, 23),
    status,
    operation.padEnd(16),
    `${durationMs.toFixed(1)} ms`.padStart(10),
    `${formatBytes(receivedBytes)} in`.padStart(12),
    `${formatBytes(sentBytes)} out`.padStart(13),
    clientAddress,
    ...(request.node === undefined ? [] : [request.node]),
    requestId,
    request.resource.replaceAll(/[\p{Cc}\p{Cf}]/gu, "\u{fffd}") + error,
  ].join("  ");
}

function filterOf(flags: TraceFlags): TraceFilter {
  const [, bucket = null, prefix = null] = /^(?:s3:\/\/)?([^/]+)(?:\/(.*))?$/s.exec(flags.bucket ?? "") ?? [];
  return {
    bucket,
    prefix,
    operation: flags.operation ?? null,
    status: flags.status ?? null,
    outcome: flags.errors === true ? "errors" : "all",
    slowerThanMs: flags.slowerThan === undefined ? 0 : durationOf("--slower-than", flags.slowerThan),
  };
}

function durationOf(flag: string, text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof InvalidValue) throw usageFailure(`${flag}: "${text}" is not ${error.message}`);
    throw error;
  }
}

function untilAborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener("abort", () => resolve(null), { once: true });
  });
}
