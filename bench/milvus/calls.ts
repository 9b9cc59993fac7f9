import type { ExpectedContent, Reply } from "@kakera/load";
import type { Unframed } from "./stacks/framing.ts";
import type { Stack } from "./stacks/stack.ts";

const callKinds = ["put", "create", "part", "complete", "head", "get", "range", "list", "delete"] as const;
export type CallKind = (typeof callKinds)[number];

export interface Call extends Unframed {
  readonly kind: CallKind;
  /** The bytes that a good answer has. */
  readonly content?: ExpectedContent;
  /** Answers that are no failure. Default: any 2xx. */
  readonly statuses?: readonly number[];
}

/** Nothing that a client could go on from: the run says nothing. */
export class VoidRun extends Error {}

interface CallKindFigures {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface PhaseFigures {
  readonly phase: string;
  readonly seconds: number;
  readonly requests: number;
  readonly bytesWritten: number;
  readonly bytesRead: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests that were answered 503 and sent again. */
  readonly retries: number;
  readonly kinds: Partial<Record<CallKind, CallKindFigures>>;
}

/** As minio-go and the SDK's connect strategy do. */
const attemptsMax = 10;
const retryDelayMs = 200;

/** Sends requests, measures them, and compares what they bring. */
export class Calls {
  #latenciesMs = new Map<CallKind, number[]>();
  #bytesWritten = 0;
  #bytesRead = 0;
  #retries = 0;

  /** Throws VoidRun for a wrong byte or an answer that is neither good nor 503. */
  async send(stack: Stack, call: Call): Promise<Reply> {
    const { kind, content, statuses } = call;
    for (let attempt = 1; ; attempt++) {
      const sentMs = performance.now();
      const reply = await stack.send(call, content === undefined ? { keepBody: true } : { content });
      this.#latenciesOf(kind).push(performance.now() - sentMs);
      if (reply.status === 503 && attempt < attemptsMax) {
        this.#retries++;
        await new Promise((resolve) => setTimeout(resolve, Math.min(1000, retryDelayMs * attempt)));
        continue;
      }
      const isGood = statuses?.includes(reply.status) ?? (reply.status >= 200 && reply.status < 300);
      if (!isGood) throw new VoidRun(`${call.method} ${call.target}: ${reply.status} ${reply.body?.toString() ?? ""}`);
      if (!reply.isRight) throw new VoidRun(`${call.method} ${call.target}: wrong bytes (${reply.bodySizeBytes} came)`);
      this.#bytesWritten += call.payload?.sizeBytes ?? 0;
      this.#bytesRead += reply.bodySizeBytes;
      return reply;
    }
  }

  /** What was measured since the last time. */
  take(phase: string, seconds: number): PhaseFigures {
    const kinds: PhaseFigures["kinds"] = {};
    for (const kind of callKinds) {
      const latencies = this.#latenciesMs.get(kind);
      if (latencies !== undefined) kinds[kind] = { count: latencies.length, ...percentiles(latencies) };
    }
    const all = [...this.#latenciesMs.values()].flat();
    const figures: PhaseFigures = {
      phase,
      seconds,
      requests: all.length,
      bytesWritten: this.#bytesWritten,
      bytesRead: this.#bytesRead,
      ...percentiles(all),
      retries: this.#retries,
      kinds,
    };
    this.#latenciesMs = new Map();
    this.#bytesWritten = this.#bytesRead = this.#retries = 0;
    return figures;
  }

  #latenciesOf(kind: CallKind): number[] {
    let latencies = this.#latenciesMs.get(kind);
    if (latencies === undefined) this.#latenciesMs.set(kind, (latencies = []));
    return latencies;
  }
}

function percentiles(latenciesMs: readonly number[]): { p50Ms: number; p99Ms: number } {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const at = (fraction: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
