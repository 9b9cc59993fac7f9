import { makeBucket, prefill, runLoad, type LoadResult, type LoadSpec } from "../load/run-load.ts";
import { compareInTurn } from "../load/rounds.ts";
import { startBare, startKakera, type RunningServer } from "../load/servers.ts";
import { formatSize } from "../load/table.ts";
import { report, voidUnless, type Asked } from "../load/verdict.ts";
import type { Row, RunPlan } from "./row.ts";

interface Load {
  readonly spec: Omit<LoadSpec, "bucket" | "run" | "durationMs">;
  readonly asked: Asked;
}

const KIB = 1 << 10;
const MIB = 1 << 20;
const bucket = "accept";
let serial = 0;

const get = (sizeBytes: number, given: { concurrency: number; objectCount: number; ratioMax: number }): Load => ({
  spec: {
    operation: "get",
    sizeBytes,
    concurrency: given.concurrency,
    objectCount: given.objectCount,
    payload: "signed",
  },
  asked: { atMost: given.ratioMax },
});
const put = (sizeBytes: number, given: { concurrency: number; asked: Asked }): Load => ({
  spec: { operation: "put", sizeBytes, concurrency: given.concurrency, objectCount: 0, payload: "signed" },
  asked: given.asked,
});

/** Server CPU for each signed request against the bare server's. */
const againstBare =
  (loads: readonly Load[]): Row =>
  async (plan) => {
    const ours = await startKakera();
    const bare = await startBare();
    try {
      await makeBucket(ours, bucket);
      for (const load of loads) await measureLoad({ ours, bare }, load, plan);
    } finally {
      await ours.stop();
      await bare.stop();
    }
  };

async function measureLoad(
  { ours, bare }: { ours: RunningServer; bare: RunningServer },
  { spec, asked }: Load,
  { roundCount, durationMs }: RunPlan,
): Promise<void> {
  const { operation, sizeBytes, objectCount, concurrency } = spec;
  if (operation === "get") await prefill(ours, { bucket, sizeBytes, objectCount, concurrency: 4 });
  for (const server of [ours, bare]) await load(server, spec, durationMs / 2);
  let last: LoadResult | null = null;
  const measure = async (server: RunningServer): Promise<number> => {
    const result = await load(server, spec, durationMs);
    if (server === ours) last = result;
    return result.cpuMicrosecondsPerRequest as number;
  };
  const compared = await compareInTurn(
    roundCount,
    () => measure(ours),
    () => measure(bare),
  );
  const { requestsPerSecond, p50Ms } = last as unknown as LoadResult;
  report(`${operation} ${formatSize(sizeBytes).padStart(6)} x${concurrency}`, compared.ratio, {
    asked,
    unit: "x bare",
    detail:
      `${compared.ours.toFixed(0)} us/request, ${requestsPerSecond.toFixed(0)} req/s, p50 ${p50Ms.toFixed(2)} ms, ` +
      `rounds ${compared.rounds.map((ratio) => ratio.toFixed(2)).join(" ")}`,
  });
}

async function load(server: RunningServer, spec: Load["spec"], durationMs: number): Promise<LoadResult> {
  const result = await runLoad(server, { ...spec, bucket, durationMs, run: `r${serial++}` });
  const { wrongCount, errorCount, firstError } = result;
  voidUnless(
    wrongCount + errorCount === 0,
    `${spec.operation}: ${wrongCount} wrong, ${errorCount} errors ${firstError}`,
  );
  return result;
}

export const getSmall = againstBare([
  get(KIB, { concurrency: 32, objectCount: 1000, ratioMax: 2.9 }),
  get(4 * KIB, { concurrency: 32, objectCount: 1000, ratioMax: 2.9 }),
]);
export const getMiddle = againstBare([
  get(16 * KIB, { concurrency: 32, objectCount: 500, ratioMax: 4 }),
  get(64 * KIB, { concurrency: 32, objectCount: 500, ratioMax: 4 }),
  get(256 * KIB, { concurrency: 16, objectCount: 200, ratioMax: 4 }),
  get(MIB, { concurrency: 16, objectCount: 64, ratioMax: 4 }),
]);
export const getBig = againstBare([
  get(16 * MIB, { concurrency: 4, objectCount: 8, ratioMax: 2.6 }),
  get(64 * MIB, { concurrency: 1, objectCount: 4, ratioMax: 2.6 }),
]);
export const putSmall = againstBare(
  [4, 16, 64, 256].map((kib) => put(kib * KIB, { concurrency: 64, asked: { atMost: 6 } })),
);
/** What is asked of these is another figure (put-parts). */
export const putBig = againstBare([
  put(16 * MIB, { concurrency: 1, asked: "shown" }),
  put(64 * MIB, { concurrency: 4, asked: "shown" }),
]);
