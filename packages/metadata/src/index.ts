export type { Change, CommitLog, CommitResult, Compare, KeyRange, LogStatus } from "./ports/commit-log.ts";
export type {
  BucketUsage,
  Entry,
  Key,
  RangeEntry,
  View,
  ViewBatch,
  ViewPosition,
  ViewWrite,
  WritableView,
} from "./ports/view.ts";
export {
  keys,
  objectKeyBytesMax,
  objectKeyOfCurrent,
  partsOfUploadKey,
  ranges,
  successorOfPrefix,
  type Table,
} from "./key-space.ts";
export { createMemoryLog, type MemoryLog } from "./memory-log.ts";
export { createMemoryView } from "./view/memory-view.ts";
export { openLmdbView, type LmdbViewSettings } from "./view/lmdb-view.ts";
export type { Author, Seen } from "./transitions/transition.ts";
export {
  partTableOf,
  readBucket,
  readCompleted,
  readObject,
  readPart,
  readParts,
  readRepair,
  readUpload,
  repairIdOf,
  repairKeysOf,
} from "./transitions/read-records.ts";
export { createBucket } from "./transitions/create-bucket.ts";
export { deleteObject, deleteObjects, type ObjectDeletion } from "./transitions/delete-object.ts";
export { putObject, type ObjectContent, type ObjectWrite } from "./transitions/put-object.ts";
export { readClusterMap, type ClusterMap } from "./cluster-map/cluster-map.ts";
export type { Group, MappedDrive, Pool, Standing } from "./cluster-map/map-rows.ts";
export { declareDrive } from "./cluster-map/declare-drive.ts";
