/**
 * Keys as Milvus 2.6 writes them (files/insert_log/COLLECTION/PARTITION/SEGMENT/GROUP/LOG and the like, ids of 18 digits):
 * 100 objects for each segment, 125 segments for each of 4 partitions of a collection.
 */
const keysPerSegment = 100;
const segmentsPerPartition = 125;
const partitionsPerCollection = 4;
const columnGroups = ["0", "101", "102", "103"];
const logsPerGroup = 20;
const [statsLogs, deltaLogs, indexFiles] = [10, 2, 8];

const id = (family: number, index: number): string => `45${family}${String(index).padStart(15, "0")}`;

/** The key of object `index`. */
export function milvusKey(index: number): string {
  const segment = Math.floor(index / keysPerSegment);
  const partition = Math.floor(segment / segmentsPerPartition);
  const collection = Math.floor(partition / partitionsPerCollection);
  const place = `${id(2, partition)}/${id(3, segment)}`;
  let rest = index % keysPerSegment;
  if (rest < columnGroups.length * logsPerGroup) {
    const group = columnGroups[Math.floor(rest / logsPerGroup)];
    return `files/insert_log/${id(1, collection)}/${place}/${group}/${id(4, index)}`;
  }
  rest -= columnGroups.length * logsPerGroup;
  if (rest < statsLogs) return `files/stats_log/${id(1, collection)}/${place}/100/${id(4, index)}`;
  rest -= statsLogs;
  if (rest < deltaLogs) return `files/delta_log/${id(1, collection)}/${place}/${id(4, index)}`;
  rest -= deltaLogs;
  const file = rest === indexFiles - 1 ? "SLICE_META" : `HNSW_${rest}`;
  return `files/index_files/${id(5, segment)}/1/${place}/${file}`;
}

/** All keys of `count` objects, in the order of a listing (they are ASCII). */
export function milvusKeys(count: number): string[] {
  return Array.from({ length: count }, (_, index) => milvusKey(index)).sort((a, b) => (a < b ? -1 : 1));
}

/** Every prefix that ends in "/" of the keys. */
export function prefixesOf(keys: readonly string[]): Set<string> {
  const prefixes = new Set<string>();
  for (const key of keys) {
    for (let at = key.indexOf("/"); at !== -1; at = key.indexOf("/", at + 1)) prefixes.add(key.slice(0, at + 1));
  }
  return prefixes;
}
