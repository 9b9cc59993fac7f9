import { SECOND_MS } from "@kakera/kernel";
import {
  loadOperations,
  makeBucket,
  ownCpuMs,
  prefill,
  removeBucket,
  RequestRefused,
  runLoad,
  type LoadOperation,
  type LoadParts,
  type LoadResult,
} from "@kakera/load";
import { resolveCredentials, resolveLiveSettings, type LiveFlags, type LiveSettings } from "../client/live-settings.ts";
import { CommandFailure, usageFailure } from "../command-failure.ts";
import { InvalidValue, parseChoice, parseCount, parseDuration, parseSize } from "../config/parse-values.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { renderLoads, type MeasuredLoad } from "./render-bench.ts";

export interface BenchFlags extends LiveFlags {
  readonly sizes?: string;
  readonly operations?: string;
  readonly concurrency?: string;
  readonly duration?: string;
  readonly objects?: string;
}

interface BenchPlan {
  readonly sizesBytes: readonly number[];
  readonly operations: readonly LoadOperation[];
  readonly concurrencies: readonly number[];
  readonly durationMs: number;
  /** To be read, of each size; null: as many as make a difference. */
  readonly objectCount: number | null;
}

const defaults = { sizes: "4KiB,1MiB", operations: "put,get", concurrency: "1,16", duration: "3s" } as const;
const sizeBytesMax = 64 << 20;
const concurrencyMax = 256;
/** Of one size, to be read: few enough that a small disk takes them. */
const storedBytesMax = 256 << 20;
const [storedCountMin, storedCountMax] = [4, 1_000];
const prefillConcurrency = 8;
/** Without measuring: what runs for the first time is slow. */
const warmUpShare = 1 / 4;

/**
 * `kakera bench [URL]`: loads an S3 endpoint, anybody's, and compares every byte that it answers. It makes a bucket of its own and removes it in
 * the end, also after Ctrl-C. 0 = measured; 1 = wrong bytes or failed requests, or it was interrupted.
 */
export async function runBench(url: string | undefined, flags: BenchFlags, terminal: Terminal): Promise<ExitCode> {
  const plan = planOf(flags);
  const settings = resolveLiveSettings(url === undefined ? flags : { ...flags, endpoint: url }, terminal);
  const { accessKey, secretKey } = await resolveCredentials(flags, terminal);
  const parts = { target: targetOf(settings, { accessKey, secretKey }), clock: terminal.clock };
  const bucket = `kakera-bench-${Math.floor(terminal.clock.nowMs()).toString(36)}`;
  const interrupted = terminal.takeInterrupts();
  await reach(settings, () => makeBucket(parts, bucket));
  let loads: readonly MeasuredLoad[];
  try {
    loads = await measureAll(parts, { plan, bucket, interrupted, terminal });
  } finally {
    terminal.progress("");
    await removeBucket(parts, bucket).catch((failure: unknown) => {
      terminal.hint(`the bucket ${bucket} is left behind: ${(failure as Error).message}`);
    });
  }
  if (settings.isJson) for (const load of loads) terminal.print(JSON.stringify({ kind: "bench", version: 1, ...load }));
  else for (const line of renderLoads(loads)) terminal.print(line);
  if (interrupted.aborted)
    throw new CommandFailure("INTERRUPTED", "not all loads were measured", { exitCode: exitCodes.attention });
  const failed = loads.find(({ wrongCount, errorCount }) => wrongCount + errorCount > 0);
  if (failed === undefined) return exitCodes.done;
  const what = failed.wrongCount > 0 ? "wrong bytes were received" : `requests failed: ${failed.firstError}`;
  throw new CommandFailure(failed.wrongCount > 0 ? "WRONG_BYTES" : "REQUESTS_FAILED", what, {
    exitCode: exitCodes.attention,
    remedy: "kakera status",
  });
}

async function measureAll(
  parts: LoadParts,
  of: {
    readonly plan: BenchPlan;
    readonly bucket: string;
    readonly interrupted: AbortSignal;
    readonly terminal: Terminal;
  },
): Promise<readonly MeasuredLoad[]> {
  const { plan, bucket, interrupted, terminal } = of;
  const loads: MeasuredLoad[] = [];
  for (const sizeBytes of plan.sizesBytes) {
    const objectCount = plan.objectCount ?? storedCount(sizeBytes);
    const stored = { bucket, sizeBytes, objectCount, concurrency: prefillConcurrency };
    if (plan.operations.some((operation) => operation !== "put")) await prefill(parts, stored);
    for (const operation of plan.operations) {
      for (const concurrency of plan.concurrencies) {
        if (interrupted.aborted) return loads;
        terminal.progress(`${operation} ${sizeBytes} B, ${concurrency} at a time`);
        const spec = { operation, sizeBytes, concurrency, bucket, objectCount, payload: "signed" } as const;
        const run = `${loads.length}`;
        const { durationMs } = plan;
        if (operation === "delete") {
          // Each is deleted once.
          await prefill(parts, stored);
          loads.push(await measure(parts, { ...spec, run, durationMs: 60 * SECOND_MS, requestCountMax: objectCount }));
        } else {
          await runLoad(parts, { ...spec, run: `${run}-warm`, durationMs: durationMs * warmUpShare });
          loads.push(await measure(parts, { ...spec, run, durationMs }));
        }
      }
    }
  }
  return loads;
}

function storedCount(sizeBytes: number): number {
  return Math.max(storedCountMin, Math.min(storedCountMax, Math.floor(storedBytesMax / sizeBytes)));
}

async function measure(parts: LoadParts, spec: Parameters<typeof runLoad>[1]): Promise<MeasuredLoad> {
  const beforeMs = ownCpuMs();
  const result: LoadResult = await runLoad(parts, spec);
  return { ...result, clientBusyShare: (ownCpuMs() - beforeMs) / (result.seconds * SECOND_MS) };
}

function targetOf(
  { endpoint, authority, isCertificateChecked }: LiveSettings,
  credentials: { readonly accessKey: string; readonly secretKey: string },
): LoadParts["target"] {
  const isTls = endpoint.protocol === "https:";
  const port = endpoint.port === "" ? (isTls ? 443 : 80) : Number(endpoint.port);
  const host = endpoint.hostname.replace(/^\[(.*)\]$/, "$1");
  return { host, port, ...credentials, tls: isTls ? { authority, isCertificateChecked } : null };
}

async function reach(settings: LiveSettings, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (cause instanceof RequestRefused && cause.status === 403)
      throw new CommandFailure("NOT_PERMITTED", cause.message, {
        exitCode: exitCodes.notPermitted,
        remedy: "another key: KAKERA_ACCESS_KEY and KAKERA_SECRET_KEY",
      });
    throw new CommandFailure("SERVER_UNREACHABLE", `${settings.endpoint.origin}: ${(cause as Error).message}`, {
      exitCode: exitCodes.unreachable,
      remedy: "kakera doctor, or another URL",
      cause,
    });
  }
}

/** Throws CommandFailure (usage). */
function planOf(flags: BenchFlags): BenchPlan {
  const listOf = <Value>(
    name: keyof typeof defaults,
    parse: (text: string) => Value,
    isRight: (value: Value) => boolean,
  ): Value[] =>
    (flags[name] ?? defaults[name]).split(",").map((text) => {
      const value = parsed(`--${name}`, text.trim(), parse);
      if (!isRight(value)) throw usageFailure(`--${name}: "${text}" is out of bounds`, "kakera bench --help");
      return value;
    });
  return {
    sizesBytes: listOf("sizes", parseSize, (sizeBytes) => sizeBytes >= 1 && sizeBytes <= sizeBytesMax),
    operations: listOf("operations", parseChoice(loadOperations), () => true),
    concurrencies: listOf(
      "concurrency",
      Number,
      (count) => Number.isInteger(count) && count >= 1 && count <= concurrencyMax,
    ),
    objectCount: flags.objects === undefined ? null : parsed("--objects", flags.objects, parseCount),
    durationMs: parsed("--duration", flags.duration ?? defaults.duration, parseDuration),
  };
}

function parsed<Value>(name: string, text: string, parse: (text: string) => Value): Value {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof InvalidValue) throw usageFailure(`${name}: "${text}" is not ${error.message}`);
    throw error;
  }
}
