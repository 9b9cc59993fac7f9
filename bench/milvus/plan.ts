import { Content } from "./content.ts";
import { arrowPartSizeBytes } from "./stacks/aws-cpp-client.ts";

/**
 * What Milvus 2.6 with its defaults writes for 1,000,000 rows of 768 floats under an HNSW index, one collection, one partition, one shard:
 * sizes in bytes, each of one unit. Derived from its sources, not recorded.
 */
const whole = { segments: 26, syncs: 180, compacted: 3 } as const;
const syncSizes = { vectors: 15_700_000, scalars: 80_000, stats: 20_000 } as const;
const flushedStatsBytes = 120_000;
const sortedSizes = { vectors: 108_000_000, scalars: 500_000, stats: 100_000 } as const;
/** Of all rows. */
const mixedSizes = { vectors: 2_880_000_000, scalars: 18_000_000, stats: 2_700_000 } as const;
const segmentIndexBytes = 127_000_000;
const mixedIndexBytes = 3_216_000_000;
const sliceSizeBytes = 16 << 20;
const sliceMetaBytes = 200;

/** One object: where it is and what it holds. */
export interface Stored {
  readonly key: string;
  readonly content: Content;
}

/** One write of a segment's insert buffer, or a compacted segment: its column groups and the statistics of its keys. */
export interface Binlogs {
  readonly vectors: Stored;
  readonly scalars: Stored;
  readonly stats: Stored;
}

export interface Index {
  readonly slices: readonly Stored[];
  readonly meta: Stored;
}

export interface Segment {
  readonly syncs: readonly Binlogs[];
  readonly flushedStats: Stored;
  readonly sorted: Binlogs;
  readonly index: Index;
}

/** Several sorted segments as one, and its index. */
export interface Compacted {
  readonly sources: readonly Segment[];
  readonly merged: Binlogs;
  readonly index: Index;
}

export interface Plan {
  readonly segments: readonly Segment[];
  readonly compacted: readonly Compacted[];
  /** What is left when all that was superseded is gone. */
  readonly live: readonly Stored[];
}

/** `factor` 1 is the whole. Fewer rows are fewer segments, at least one, of the same size. */
export function planTrace(factor: number, seed: string): Plan {
  const name = createNames(seed);
  const segmentCount = Math.max(1, Math.round(whole.segments * factor));
  const segments = Array.from({ length: segmentCount }, (_, index) => planSegment(name, index));
  const groupCount = Math.min(segmentCount, Math.max(1, Math.round(whole.compacted * factor)));
  const compacted = Array.from({ length: groupCount }, (_, group) => {
    const [from, end] = [group, group + 1].map((at) => Math.round((at * segmentCount) / groupCount));
    return planCompacted(name, segments.slice(from, end));
  });
  const live = compacted.flatMap(({ merged, index }) => [
    merged.vectors,
    merged.scalars,
    merged.stats,
    ...index.slices,
    index.meta,
  ]);
  return { segments, compacted, live };
}

type Names = ReturnType<typeof createNames>;

/** Milvus' own keys: ids of 18 digits, in order of their birth. */
function createNames(seed: string): {
  log(kind: "insert_log" | "stats_log", of: { segment: string; group: string; id?: string }): string;
  index(of: { build: string; segment: string; file: string }): string;
  id(): string;
  stored(key: string, sizeBytes: number, unitSizeBytes?: number): Stored;
} {
  let last = 450_000_000_000_000_000n;
  const id = (): string => String(++last);
  const place = `${id()}/${id()}`;
  const partition = place.split("/")[1];
  return {
    id,
    log: (kind, { segment, group, id: log = id() }) => `files/${kind}/${place}/${segment}/${group}/${log}`,
    index: ({ build, segment, file }) => `files/index_files/${build}/1/${partition}/${segment}/${file}`,
    stored: (key, sizeBytes, unitSizeBytes = sizeBytes) => ({
      key,
      content: new Content(`${seed}/${key}`, sizeBytes, unitSizeBytes),
    }),
  };
}

interface Sizes {
  readonly vectors: number;
  readonly scalars: number;
  readonly stats: number;
}

const [primaryKeyField, vectorField] = ["100", "101"];

function planSegment(name: Names, index: number): Segment {
  const segment = name.id();
  const countOf = (segments: number): number => Math.round((whole.syncs * segments) / whole.segments);
  const syncs = countOf(index + 1) - countOf(index);
  const sorted = name.id();
  return {
    syncs: Array.from({ length: syncs }, () => planBinlogs(name, segment, syncSizes)),
    flushedStats: name.stored(name.log("stats_log", { segment, group: primaryKeyField, id: "1" }), flushedStatsBytes),
    sorted: planBinlogs(name, sorted, sortedSizes),
    index: planIndex(name, sorted, segmentIndexBytes),
  };
}

function planCompacted(name: Names, sources: readonly Segment[]): Compacted {
  const segment = name.id();
  const share = sources.length / whole.segments;
  const sizes = Object.fromEntries(
    Object.entries(mixedSizes).map(([part, bytes]) => [part, Math.round(bytes * share)]),
  );
  return {
    sources,
    merged: planBinlogs(name, segment, sizes as unknown as Sizes),
    index: planIndex(name, segment, Math.round(mixedIndexBytes * share)),
  };
}

function planBinlogs(name: Names, segment: string, sizes: Sizes): Binlogs {
  return {
    vectors: name.stored(name.log("insert_log", { segment, group: vectorField }), sizes.vectors, arrowPartSizeBytes),
    scalars: name.stored(name.log("insert_log", { segment, group: "0" }), sizes.scalars, arrowPartSizeBytes),
    stats: name.stored(name.log("stats_log", { segment, group: primaryKeyField }), sizes.stats),
  };
}

function planIndex(name: Names, segment: string, sizeBytes: number): Index {
  const build = name.id();
  const slices = Array.from({ length: Math.ceil(sizeBytes / sliceSizeBytes) }, (_, slice) =>
    name.stored(
      name.index({ build, segment, file: `HNSW_${slice}` }),
      Math.min(sliceSizeBytes, sizeBytes - slice * sliceSizeBytes),
    ),
  );
  return { slices, meta: name.stored(name.index({ build, segment, file: "SLICE_META" }), sliceMetaBytes) };
}
