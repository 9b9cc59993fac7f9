import type { ChunkExplanation, ExplainCall, ObjectExplanation } from "@kakera/maintenance";

/** What `/kakera/admin/v1/explain` answers and `kakera explain` shows. Times are milliseconds since the epoch. */
export interface ExplainReport extends Omit<ObjectExplanation, "scrubbedMs"> {
  readonly kind: "explanation";
  readonly version: 1;
  readonly bucket: string;
  readonly key: string;
  readonly reads: ExplainCall["reads"];
  /** When the last whole count of all chunks ended; null: none did. */
  readonly provenMs: number | null;
  /** Those that shards were looked for on. */
  readonly drives: readonly {
    readonly driveId: string;
    readonly place: string;
    readonly node: string | null;
    readonly scrubbedMs: number | null;
  }[];
}

/** `ok`: all k+m where they belong; `attention`: something is short, damaged or elsewhere; `lost`: fewer than k. */
export function judgeExplanation(chunks: readonly ChunkExplanation[]): "ok" | "attention" | "lost" {
  if (chunks.some(({ spareDomains }) => spareDomains < 0)) return "lost";
  const isWhole = chunks.every(
    ({ shards, agrees }) =>
      agrees === "yes" &&
      shards.every(
        ({ places }) => places.length === 1 && places[0]?.role === "home" && /holds|verified/.test(places[0].state),
      ),
  );
  return isWhole ? "ok" : "attention";
}
