/** One of the files that Milvus keeps. */
export interface MilvusFile {
  readonly kind: string;
  /** The number that follows the kind: of a collection, but for index files (a build's) and woodpecker's logs (a log's). */
  readonly owner: string;
}

const kinds = new Set([
  "insert_log",
  "delta_log",
  "stats_log",
  "index_files",
  "text_log",
  "json_stats",
  "json_key_index_log",
  "wp",
]);
/** Milvus' root path (`files` as a rule; Helm's charts take others) has hardly ever more parts. */
const rootPartsMax = 2;

/**
 * Whether a key has the form in which Milvus names its files: ROOT/KIND/NUMBER/... (reference: Milvus 2.6's key layout). The form is all
 * there is to go by. null: it has not.
 */
export function milvusFileOf(key: string): MilvusFile | null {
  let from = 0;
  for (let part = 0; part <= rootPartsMax; part++) {
    const end = key.indexOf("/", from);
    if (end < 0) return null;
    const kind = key.slice(from, end);
    if (kinds.has(kind)) {
      const ownerEnd = key.indexOf("/", end + 1);
      const owner = ownerEnd < 0 ? "" : key.slice(end + 1, ownerEnd);
      return /^[0-9]{1,20}$/.test(owner) ? { kind, owner } : null;
    }
    from = end + 1;
  }
  return null;
}
