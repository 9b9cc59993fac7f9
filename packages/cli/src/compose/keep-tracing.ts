import { MIB, type Clock, type Logger, type Meter, type Random } from "@kakera/kernel";
import type { CommitLog } from "@kakera/metadata";
import type { CallTracer } from "@kakera/rpc";
import { LineQueue, lineQueueSettings } from "../delivery/line-queue.ts";
import { openOtlpEndpoint } from "../drivers/otlp-endpoint.ts";
import { Tracer } from "../tracing/tracer.ts";
import type { TraceSettings } from "../tracing/trace-settings.ts";

export interface Tracing {
  readonly tracer: Tracer;
  /** For calls between nodes, and between the processes of this server. */
  readonly calls: CallTracer;
  /** Sends what is queued, for a while. */
  close(): Promise<void>;
}

const queueBytesMax = 4 * MIB;

/** null: no endpoint is named, and nothing is traced. */
export function keepTracing(
  settings: TraceSettings | null,
  parts: { readonly clock: Clock; readonly random: Random; readonly logger: Logger; readonly meter: Meter },
): Tracing | null {
  if (settings === null) return null;
  const spans = parts.meter.counter({
    name: "kakera_trace_spans_total",
    help: "spans of traced requests, by outcome (sent, dropped)",
    labels: ["outcome"],
  });
  const queue = new LineQueue(
    {
      ...parts,
      target: openOtlpEndpoint(settings),
      counted: (count, outcome) => spans.add(count, { outcome }),
    },
    {
      ...lineQueueSettings,
      linesMax: settings.queueSpansMax,
      batchLinesMax: settings.batchSpansMax,
      bytesMax: queueBytesMax,
    },
  );
  const tracer = new Tracer({ ...parts, emit: (span) => queue.add(span) }, settings);
  const calls: CallTracer = {
    calling: (call, work) => tracer.child(`node.${call}`, {}, work),
    answering: (call, traceparent, work) => tracer.answered(`node.${call}`, traceparent, work),
  };
  return { tracer, calls, close: () => queue.close() };
}

/** The log as a gateway has it, whose commits and barriers are spans of the requests that wait for them. */
export function traceLog(log: CommitLog, tracing: Tracing | null): CommitLog {
  if (tracing === null) return log;
  const { tracer } = tracing;
  return {
    get session() {
      return log.session;
    },
    get view() {
      return log.view;
    },
    get operationsPerChangeMax() {
      return log.operationsPerChangeMax;
    },
    commit: (change) => tracer.child("log.commit", { "kakera.puts": change.puts.length }, () => log.commit(change)),
    barrier: () => tracer.child("log.barrier", {}, () => log.barrier()),
    status: () => log.status(),
    close: () => log.close(),
  };
}
