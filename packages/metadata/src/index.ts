export type { Change, CommitLog, CommitResult, Compare, KeyRange, LogStatus } from "./ports/commit-log.ts";
export type {
  BucketUsage, Entry, Key, RangeEntry, View, ViewBatch, ViewPosition, ViewWrite, WritableView,
} from "./ports/view.ts";
export { keys, objectKeyBytesMax, objectKeyOfCurrent, partsOfUploadKey, ranges, successorOfPrefix, type Table } from "./key-space.ts";
export { readClusterMap, type ClusterMap } from "./cluster-map/cluster-map.ts";
export type { Group, MappedDrive, Pool, Standing } from "./cluster-map/map-rows.ts";
