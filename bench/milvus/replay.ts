import { Calls, type PhaseFigures } from "./calls.ts";
import { bytesOnDisk, settledBytesOnDisk } from "./bytes-on-disk.ts";
import { collect, phasesOf, prefixes, type Clients, type Phase } from "./phases.ts";
import { planTrace } from "./plan.ts";
import { searchPhases } from "./search.ts";
import { frameAsAwsCpp, frameAsAwsCppTrailer } from "./stacks/aws-cpp.ts";
import { ArrowClient, AwsCppClient } from "./stacks/aws-cpp-client.ts";
import { frameAsMinioGo } from "./stacks/minio-go.ts";
import { MinioGoClient } from "./stacks/minio-go-client.ts";
import type { Credentials } from "./stacks/signature.ts";
import { createStack, type Stack } from "./stacks/stack.ts";
import { woodpeckerPhases } from "./woodpecker.ts";

export interface Store {
  /** Gateways of one store, by turns. */
  readonly endpoints: readonly string[];
  readonly credentials: Credentials;
  /** Where it keeps its data, if that is on this machine. */
  readonly dataDirectories: readonly string[];
}

export interface ReplaySettings {
  readonly factor: number;
  readonly seed: string;
  readonly bucket: string;
  /** Whose client the C++ parts are: 2.6 sends digests ahead, 3.0 a checksum behind. */
  readonly milvus: "2.6" | "3.0";
  /** Whether the write-ahead log is on the store too, as in a Milvus cluster, or is all that there is. */
  readonly log: "elsewhere" | "woodpecker" | "alone";
  /** How long the store has to give back what was deleted. */
  readonly settleWithinMs: number;
  readonly onPhase?: (figures: PhaseFigures) => void;
}

export interface ReplayFigures {
  readonly phases: readonly PhaseFigures[];
  /** Null: its folders are not named, or its log was alone. */
  readonly disk: DiskFigures | null;
}

export interface DiskFigures {
  /** Before the first write: what a store makes room for in advance is in it, and in the others. */
  readonly bytesAtStart: number;
  /** Before anything was deleted. */
  readonly bytesBeforeCollection: number;
  /** When what was superseded is gone: all that is left is `liveBytes` of objects. */
  readonly bytesAfterCollection: number;
  readonly liveBytes: number;
}

const searchReads = 4000;
const searchReadsMin = 200;

/** Replays the trace once, in a bucket of its own, which it removes. Throws VoidRun for one wrong byte. */
export async function replay(store: Store, settings: ReplaySettings): Promise<ReplayFigures> {
  const { factor, seed, log } = settings;
  const measured = new Calls();
  const ours = openClients(store, settings, measured);
  const phases: PhaseFigures[] = [];
  const measure = async ({ name, run }: Phase): Promise<void> => {
    const startedMs = performance.now();
    await run(ours.next);
    const figures = measured.take(name, (performance.now() - startedMs) / 1000);
    phases.push(figures);
    settings.onPhase?.(figures);
    ours.rest();
  };
  try {
    await ours.next().go.ensureBucket();
    measured.take("setup", 0);
    const disk = log === "alone" ? null : await replayData(store, settings, measure);
    if (log !== "elsewhere") for (const phase of woodpeckerPhases(factor, seed)) await measure(phase);
    await measure({ name: "H drop", run: (clients) => collect(clients, ["files/"], new Set()) });
    await ours.next().go.removeBucket();
    return { phases, disk: store.dataDirectories.length === 0 ? null : disk };
  } finally {
    ours.rest();
  }
}

/** All but the log, until what was superseded is gone. */
async function replayData(
  store: Store,
  settings: ReplaySettings,
  measure: (phase: Phase) => Promise<void>,
): Promise<DiskFigures> {
  const { factor, seed, settleWithinMs } = settings;
  const { dataDirectories } = store;
  const withinMs = dataDirectories.length === 0 ? 0 : settleWithinMs;
  const plan = planTrace(factor, seed);
  const others = openClients(store, settings, new Calls());
  try {
    const bytesAtStart = await settledBytesOnDisk(dataDirectories, { beforeBytes: Number.POSITIVE_INFINITY, withinMs });
    const reads = Math.max(searchReadsMin, Math.round(searchReads * factor));
    for (const phase of phasesOf(plan)) await measure(phase);
    for (const phase of searchPhases(plan, reads, seed, others.next)) await measure(phase);
    const bytesBeforeCollection = bytesOnDisk(dataDirectories);
    const keeps = new Set(plan.live.map(({ key }) => key));
    await measure({ name: "G collection", run: (clients) => collect(clients, prefixes, keeps) });
    const bytesAfterCollection = await settledBytesOnDisk(dataDirectories, {
      beforeBytes: bytesBeforeCollection,
      withinMs,
    });
    const liveBytes = plan.live.reduce((sum, { content }) => sum + content.sizeBytes, 0);
    return { bytesAtStart, bytesBeforeCollection, bytesAfterCollection, liveBytes };
  } finally {
    others.rest();
  }
}

interface OpenClients {
  /** Of the next gateway at each call. */
  readonly next: () => Clients;
  readonly rest: () => void;
}

function openClients({ endpoints, credentials }: Store, { bucket, milvus }: ReplaySettings, calls: Calls): OpenClients {
  const stacks: Stack[] = [];
  const clients = endpoints.map((endpoint): Clients => {
    const cpp = createStack(endpoint, credentials, milvus === "2.6" ? frameAsAwsCpp : frameAsAwsCppTrailer);
    const go = createStack(endpoint, credentials, frameAsMinioGo);
    stacks.push(cpp, go);
    return {
      go: new MinioGoClient(calls, go, bucket),
      cpp: new AwsCppClient(calls, cpp, bucket),
      fs: new ArrowClient(calls, cpp, bucket),
    };
  });
  let turn = 0;
  return {
    next: () => clients[turn++ % clients.length] as Clients,
    rest: () => stacks.forEach((stack) => stack.rest()),
  };
}
