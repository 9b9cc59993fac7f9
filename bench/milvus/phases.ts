import { VoidRun } from "./calls.ts";
import { inLanes } from "./lanes.ts";
import type { Binlogs, Compacted, Index, Plan, Segment, Stored } from "./plan.ts";
import type { ArrowClient, AwsCppClient } from "./stacks/aws-cpp-client.ts";
import type { MinioGoClient } from "./stacks/minio-go-client.ts";

/** The three libraries that a Milvus process has open at once. */
export interface Clients {
  readonly go: MinioGoClient;
  readonly cpp: AwsCppClient;
  readonly fs: ArrowClient;
}

export interface Phase {
  readonly name: string;
  /** `clients`: of the next gateway at each call. */
  readonly run: (clients: () => Clients) => Promise<void>;
}

const mib = 1 << 20;
const deletionsAtOnce = 10;

/** The trace of a load, an index and a cold load, in its order. */
export function phasesOf(plan: Plan): Phase[] {
  const { segments, compacted } = plan;
  const syncs = segments.flatMap((segment) => segment.syncs);
  return [
    { name: "A sync", run: (clients) => inLanes(3, syncs, (sync) => writeBinlogs(clients(), sync)) },
    {
      name: "A' flush",
      run: (clients) => inLanes(1, segments, ({ flushedStats }) => putByGo(clients(), flushedStats)),
    },
    { name: "B sort compaction", run: (clients) => inLanes(2, segments, (segment) => sortSegment(clients(), segment)) },
    { name: "C index build", run: (clients) => inLanes(1, segments, (segment) => indexSegment(clients(), segment)) },
    { name: "D mix compaction", run: (clients) => inLanes(2, compacted, (each) => mixSegments(clients(), each)) },
    { name: "E index rebuild", run: (clients) => inLanes(1, compacted, (each) => indexCompacted(clients(), each)) },
    { name: "F cold load", run: (clients) => inLanes(3, compacted, (each) => loadCompacted(clients(), each)) },
  ];
}

/** As Milvus' garbage collector: finds them by listings, and deletes each by a request of its own. */
export async function collect(
  clients: () => Clients,
  prefixes: readonly string[],
  keeps: ReadonlySet<string>,
): Promise<void> {
  for (const prefix of prefixes) {
    const keys = await clients().go.list(prefix, "all");
    const gone = keys.filter((key) => !keeps.has(key));
    await inLanes(deletionsAtOnce, gone, (key) => clients().go.delete(key));
    const left = await clients().go.list(prefix, "all");
    const wanted = keys.filter((key) => keeps.has(key));
    if (left.join() !== wanted.join()) throw new VoidRun(`${prefix} lists ${left.length} keys, not ${wanted.length}`);
  }
}

export const prefixes = ["files/insert_log/", "files/stats_log/", "files/index_files/"] as const;

/** Reads one compacted segment into a query node. */
export async function loadCompacted({ go, cpp, fs }: Clients, { merged, index }: Compacted): Promise<void> {
  await go.get(merged.stats.key, merged.stats.content);
  await readFile(fs, merged.scalars, { rangeSizeBytes: 32 * mib, width: 1 });
  await cpp.headAndGet(index.meta.key, index.meta.content);
  await inLanes(16, index.slices, (slice) => cpp.headAndGet(slice.key, slice.content));
}

/** The vectors and the scalars side by side, the statistics when both are there. */
async function writeBinlogs({ go, fs }: Clients, { vectors, scalars, stats }: Binlogs): Promise<void> {
  await inLanes(2, [vectors, scalars], ({ key, content }) => fs.write(key, content));
  await go.put(stats.key, stats.content);
}

async function putByGo({ go }: Clients, { key, content }: Stored): Promise<void> {
  await go.put(key, content);
}

async function sortSegment(clients: Clients, { syncs, sorted }: Segment): Promise<void> {
  for (const { vectors, scalars } of syncs)
    await inLanes(2, [vectors, scalars], (file) => readFile(clients.fs, file, { rangeSizeBytes: 32 * mib, width: 1 }));
  await writeBinlogs(clients, sorted);
}

async function indexSegment(clients: Clients, { sorted, index }: Segment): Promise<void> {
  await readForIndex(clients.fs, sorted.vectors, { opens: 10, footers: 1, rangeSizeBytes: 14_000_000 });
  await writeIndex(clients.cpp, index, 8);
}

async function mixSegments(clients: Clients, { sources, merged }: Compacted): Promise<void> {
  for (const { sorted } of sources)
    await inLanes(2, [sorted.vectors, sorted.scalars], (file) =>
      readFile(clients.fs, file, { rangeSizeBytes: 32 * mib, width: 2 }),
    );
  await writeBinlogs(clients, merged);
}

async function indexCompacted(clients: Clients, { merged, index }: Compacted): Promise<void> {
  await readForIndex(clients.fs, merged.vectors, { opens: 8, footers: 2, rangeSizeBytes: 32 * mib });
  await writeIndex(clients.cpp, index, 16);
}

async function readFile(fs: ArrowClient, { key, content }: Stored, ranges: Parameters<ArrowClient["readRanges"]>[2]) {
  await fs.head(key, content);
  await fs.readFooter(key, content);
  await fs.readRanges(key, content, ranges);
}

interface IndexRead {
  /** Blocks of the file that are read by a reader each. */
  readonly opens: number;
  readonly footers: number;
  readonly rangeSizeBytes: number;
}

async function readForIndex(fs: ArrowClient, { key, content }: Stored, read: IndexRead): Promise<void> {
  await inLanes(8, Array.from({ length: read.opens }), async () => {
    await fs.head(key, content);
    for (let footer = 0; footer < read.footers; footer++) await fs.readFooter(key, content);
  });
  await fs.readRanges(key, content, { rangeSizeBytes: read.rangeSizeBytes, width: 8 });
}

/** The slices, and when all are there, what says how many. */
async function writeIndex(cpp: AwsCppClient, { slices, meta }: Index, width: number): Promise<void> {
  await inLanes(width, slices, ({ key, content }) => cpp.put(key, content));
  await cpp.put(meta.key, meta.content);
}
