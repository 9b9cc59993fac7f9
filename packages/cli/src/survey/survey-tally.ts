import { MIB, KIB } from "@kakera/kernel";
import { milvusFileOf } from "@kakera/gateway";

/** What one walk over all objects found. */
export interface SurveyReport {
  /** When the walk ended. */
  readonly endedMs: number;
  /** By bucket; objects by index into {@link sizeRanges}. */
  readonly objectsBySize: ReadonlyMap<string, readonly number[]>;
  /** The largest, and what the others are together. */
  readonly milvus: readonly MilvusUsage[];
}

/** Objects whose keys have the form in which Milvus names its files. */
export interface MilvusUsage {
  readonly bucket: string;
  readonly kind: string;
  /** null: the key of this kind does not say. `others`: those that are not among the largest. */
  readonly collection: string | null;
  readonly objectCount: number;
  readonly sizeBytes: number;
}

/** By the names that MinIO gives them; each up to, and without, its bound. */
export const sizeRanges: readonly { readonly name: string; readonly belowBytes: number }[] = [
  { name: "LESS_THAN_1024_B", belowBytes: KIB },
  { name: "BETWEEN_1024_B_AND_64_KB", belowBytes: 64 * KIB },
  { name: "BETWEEN_64_KB_AND_256_KB", belowBytes: 256 * KIB },
  { name: "BETWEEN_256_KB_AND_512_KB", belowBytes: 512 * KIB },
  { name: "BETWEEN_512_KB_AND_1_MB", belowBytes: MIB },
  { name: "BETWEEN_1_MB_AND_10_MB", belowBytes: 10 * MIB },
  { name: "BETWEEN_10_MB_AND_64_MB", belowBytes: 64 * MIB },
  { name: "BETWEEN_64_MB_AND_128_MB", belowBytes: 128 * MIB },
  { name: "BETWEEN_128_MB_AND_512_MB", belowBytes: 512 * MIB },
  { name: "GREATER_THAN_512_MB", belowBytes: Number.POSITIVE_INFINITY },
];

/** Told of by name; the rest is told of as one. */
const collectionsToldMax = 50;
/** Counted apart while the walk goes on: those that are met after these are others at once. */
const collectionsCountedMax = 10_000;
const namesCollection = new Set([
  "insert_log",
  "delta_log",
  "stats_log",
  "text_log",
  "json_stats",
  "json_key_index_log",
]);

interface Usage {
  readonly bucket: string;
  readonly kind: string;
  readonly collection: string | null;
  objectCount: number;
  sizeBytes: number;
}

/** The figures of a walk as they grow. */
export class SurveyTally {
  readonly #bySize = new Map<string, number[]>();
  readonly #milvus = new Map<string, Usage>();

  /** A bucket, which may have no object. */
  begin(bucket: string): void {
    this.#bySize.set(
      bucket,
      sizeRanges.map(() => 0),
    );
  }

  add(bucket: string, object: { readonly key: string; readonly sizeBytes: number }): void {
    const counts = this.#bySize.get(bucket) ?? [];
    const range = sizeRanges.findIndex(({ belowBytes }) => object.sizeBytes < belowBytes);
    counts[range] = (counts[range] ?? 0) + 1;
    const file = milvusFileOf(object.key);
    if (file === null) return;
    const usage = this.#usageOf(bucket, file.kind, namesCollection.has(file.kind) ? file.owner : null);
    usage.objectCount++;
    usage.sizeBytes += object.sizeBytes;
  }

  report(endedMs: number): SurveyReport {
    const all = [...this.#milvus.values()];
    const named = all.filter(({ collection }) => collection !== null && collection !== "others");
    const largest = new Set(named.sort((a, b) => b.sizeBytes - a.sizeBytes).slice(0, collectionsToldMax));
    const told = new Map<string, Usage>();
    for (const usage of all) {
      const isToldApart = usage.collection === null || largest.has(usage);
      const collection = isToldApart ? usage.collection : "others";
      const sum = usageIn(told, { ...usage, collection });
      sum.objectCount += usage.objectCount;
      sum.sizeBytes += usage.sizeBytes;
    }
    return { endedMs, objectsBySize: this.#bySize, milvus: [...told.values()] };
  }

  #usageOf(bucket: string, kind: string, collection: string | null): Usage {
    const isRoom = this.#milvus.size < collectionsCountedMax;
    const known = this.#milvus.get(nameOf({ bucket, kind, collection }));
    if (known !== undefined) return known;
    return usageIn(this.#milvus, { bucket, kind, collection: isRoom || collection === null ? collection : "others" });
  }
}

function usageIn(usages: Map<string, Usage>, of: Pick<Usage, "bucket" | "kind" | "collection">): Usage {
  const name = nameOf(of);
  const known = usages.get(name);
  if (known !== undefined) return known;
  const { bucket, kind, collection } = of;
  const made = { bucket, kind, collection, objectCount: 0, sizeBytes: 0 };
  usages.set(name, made);
  return made;
}

function nameOf({ bucket, kind, collection }: Pick<Usage, "bucket" | "kind" | "collection">): string {
  return `${bucket}/${kind}/${collection ?? ""}`;
}
