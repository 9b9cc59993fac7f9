import { AsyncLocalStorage } from "node:async_hooks";
import type { FinishedRequest } from "@kakera/gateway";
import type { Clock, Random } from "@kakera/kernel";
import { formatTraceparent, parseTraceparent, type ParentSpan } from "./span-context.ts";
import { encodeSpan } from "./encode-span.ts";
import type { TraceSettings } from "./trace-settings.ts";

export interface TracerParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Takes an encoded span; returns at once. */
  readonly emit: (span: string) => void;
}

interface RequestTrace extends ParentSpan {
  readonly parentSpanId: string | null;
  childCount: number;
}

/** A request that is made of more (a Complete of 10,000 parts) shows its first ones. */
const childrenMax = 128;
const [traceIdBytes, spanIdBytes] = [16, 8];

/** Spans of requests, and of what they wait for: commits, barriers, calls to other nodes. */
export class Tracer {
  readonly #parts: TracerParts;
  readonly #settings: Pick<TraceSettings, "ratio" | "sampledBy">;
  readonly #current = new AsyncLocalStorage<RequestTrace>();

  constructor(parts: TracerParts, settings: Pick<TraceSettings, "ratio" | "sampledBy">) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** Does the work of a request as a part of the trace that its sender names, or of a new one. */
  around<T>(traceparent: string | null, work: () => Promise<T>): Promise<T> {
    const parent = parseTraceparent(traceparent);
    if (!this.#isSampled(parent)) return work();
    const trace: RequestTrace = {
      traceId: parent?.traceId ?? this.#newId(traceIdBytes),
      spanId: this.#newId(spanIdBytes),
      parentSpanId: parent?.spanId ?? null,
      isSampled: true,
      childCount: 0,
    };
    return this.#current.run(trace, work);
  }

  /** Within `around`: its request is over. */
  finished(request: FinishedRequest): void {
    const trace = this.#current.getStore();
    if (trace === undefined || request.operation === "Health" || request.operation === "Metrics") return;
    const isFault = request.status >= 500 || request.code === "Broken";
    this.#parts.emit(
      encodeSpan({
        ...trace,
        name: request.operation,
        kind: "server",
        startMs: request.endedMs - request.durationMs,
        endMs: request.endedMs,
        isFault,
        // No key: it may say who somebody is.
        attributes: {
          "http.request.method": request.method,
          "http.response.status_code": request.status,
          "http.request.body.size": request.receivedBytes,
          "http.response.body.size": request.sentBytes,
          "aws.request_id": request.requestId,
          "rpc.system": "aws-api",
          "rpc.service": "S3",
          "rpc.method": request.operation,
          ...(request.bucket === null ? {} : { "aws.s3.bucket": request.bucket }),
          ...(request.code === String(request.status) ? {} : { "error.type": request.code }),
        },
      }),
    );
  }

  /** Something that a request waits for; outside of one, or of one that is not sampled, only the work. `work` gets what another node is to be told. */
  async child<T>(
    name: string,
    attributes: Readonly<Record<string, string | number>>,
    work: (traceparent: string | null) => Promise<T>,
  ): Promise<T> {
    const trace = this.#current.getStore();
    if (trace === undefined || ++trace.childCount > childrenMax) return work(null);
    const { clock, emit } = this.#parts;
    const span = { traceId: trace.traceId, spanId: this.#newId(spanIdBytes), isSampled: true };
    const [wallMs, startMs] = [clock.nowMs(), clock.monotonicMs()];
    let isFault = true;
    try {
      const result = await work(formatTraceparent(span));
      isFault = false;
      return result;
    } finally {
      const endMs = wallMs + (clock.monotonicMs() - startMs);
      emit(
        encodeSpan({
          ...span,
          parentSpanId: trace.spanId,
          name,
          kind: "client",
          startMs: wallMs,
          endMs,
          isFault,
          attributes,
        }),
      );
    }
  }

  /** The same at a node that is called for a request elsewhere; `traceparent` as it came. */
  async answered<T>(name: string, traceparent: string, work: () => Promise<T>): Promise<T> {
    const parent = parseTraceparent(traceparent);
    if (parent === null || !parent.isSampled) return work();
    const { clock, emit } = this.#parts;
    const [wallMs, startMs] = [clock.nowMs(), clock.monotonicMs()];
    const span = { traceId: parent.traceId, spanId: this.#newId(spanIdBytes), parentSpanId: parent.spanId };
    let isFault = true;
    try {
      const result = await work();
      isFault = false;
      return result;
    } finally {
      const endMs = wallMs + (clock.monotonicMs() - startMs);
      emit(encodeSpan({ ...span, name, kind: "server", startMs: wallMs, endMs, isFault, attributes: {} }));
    }
  }

  #isSampled(parent: ParentSpan | null): boolean {
    const { ratio, sampledBy } = this.#settings;
    if (parent !== null && sampledBy === "parent") return parent.isSampled;
    if (ratio >= 1) return true;
    return ratio > 0 && Buffer.from(this.#parts.random.bytes(4)).readUInt32BE(0) < ratio * 2 ** 32;
  }

  #newId(sizeBytes: number): string {
    return Buffer.from(this.#parts.random.bytes(sizeBytes)).toString("hex");
  }
}
