import { makeBucket, runLoad } from "../load/run-load.ts";
import { compareInTurn } from "../load/rounds.ts";
import { runBeside } from "../load/run-beside.ts";
import { startBare, startKakera, type RunningServer } from "../load/servers.ts";
import { report, voidUnless } from "../load/verdict.ts";
import type { RunPlan } from "./row.ts";

const MIB = 1 << 20;
const bucket = "parts";
let serial = 0;

interface Load {
  readonly sizeBytes: number;
  readonly streams: number;
  readonly payload: "signed" | "unsigned";
}

const loads: readonly Load[] = (["signed", "unsigned"] as const).flatMap((payload) =>
  [16, 64].flatMap((mib) => [1, 4].map((streams) => ({ sizeBytes: mib * MIB, streams, payload }))),
);

/** CPU milliseconds for each MiB of each part of a PUT, measured alone. */
interface Parts {
  readonly receive: number;
  readonly sha256: number;
  readonly md5: number;
  readonly encode: number;
  readonly checksums: number;
  readonly writes: number;
}

/** Server CPU of big PUTs against the sum of what they are made of. */
export async function putParts(plan: RunPlan): Promise<void> {
  const bare = await startBare();
  try {
    for (const load of loads) await onServerOfItsOwn(bare, load, plan);
  } finally {
    await bare.stop();
  }
}

/** What one load stores, tens of gigabytes, is gone before the next. */
async function onServerOfItsOwn(bare: RunningServer, load: Load, plan: RunPlan): Promise<void> {
  const ours = await startKakera();
  try {
    await makeBucket(ours, bucket);
    await compareWithParts({ ours, bare }, load, plan);
  } finally {
    await ours.stop();
  }
}

async function compareWithParts(
  { ours, bare }: { readonly ours: RunningServer; readonly bare: RunningServer },
  load: Load,
  { roundCount, durationMs }: RunPlan,
): Promise<void> {
  for (const server of [ours, bare]) await putCost(server, load, durationMs / 2);
  let last: Parts | null = null;
  const compared = await compareInTurn(
    roundCount,
    () => putCost(ours, load, durationMs),
    async () => {
      const receive = await putCost(bare, load, durationMs);
      const alone = await runBeside<Omit<Parts, "receive">>(
        "put-parts.ts",
        ours.directory,
        String(load.sizeBytes),
        String(load.streams),
      );
      last = { receive, ...alone, sha256: load.payload === "signed" ? alone.sha256 : 0 };
      return Object.values(last).reduce((sum, part) => sum + part, 0);
    },
  );
  const parts = Object.entries(last as unknown as Parts).map(([name, part]) => `${name} ${part.toFixed(2)}`);
  report(`PUT ${load.sizeBytes / MIB}MiB x${load.streams} ${load.payload}, CPU`, compared.ratio, {
    asked: { atMost: 1.6 },
    unit: "x its parts",
    detail:
      `${compared.ours.toFixed(2)} against ${compared.theirs.toFixed(2)} ms/MiB (${parts.join(", ")}), ` +
      `rounds ${compared.rounds.map((ratio) => ratio.toFixed(2)).join(" ")}`,
  });
}

/** CPU milliseconds for each MiB. */
async function putCost(server: RunningServer, load: Load, durationMs: number): Promise<number> {
  const { sizeBytes, streams, payload } = load;
  const spec = { operation: "put", sizeBytes, concurrency: streams, objectCount: 0, payload } as const;
  const result = await runLoad(server, { ...spec, bucket, durationMs, run: `p${serial++}` });
  voidUnless(result.wrongCount + result.errorCount === 0, `${result.errorCount} errors: ${result.firstError}`);
  return (result.cpuMicrosecondsPerRequest as number) / 1000 / (sizeBytes / MIB);
}
