export { alignedBuffer, directAlignmentBytes, isAligned } from "./aligned-buffer.ts";
export { assert, assertNever, AssertionFailure } from "./assert.ts";
export { ClusterFailure, reasonCodes, type FailureKind, type ReasonCode } from "./failure.ts";
export {
  chunkSizeBytesMax,
  formatGeometry,
  geometryForDomains,
  parseGeometry,
  shardsPerChunkMax,
  type Geometry,
} from "./geometry.ts";
export {
  idBytes,
  idFromBytes,
  newId,
  parseId,
  type BucketId,
  type ChangeId,
  type ClusterId,
  type DataId,
  type DriveId,
  type IdKind,
  type NodeId,
  type SessionId,
  type TaskId,
  type UploadId,
} from "./ids.ts";
export { alignUp, DAY_MS, GIB, HOUR_MS, KIB, MIB, MINUTE_MS, SECOND_MS, TIB } from "./units.ts";
export { sleep, type Clock, type Timer } from "./ports/clock.ts";
export { setPatientTimer } from "./patient-timer.ts";
export { DiskError, type Disk, type DiskFile, type DiskStat, type OpenMode } from "./ports/disk.ts";
export { noFailpoints, type Failpoints } from "./ports/failpoints.ts";
export { silentLogger, type Logger, type LogLevel } from "./ports/logger.ts";
export {
  silentMeter,
  type Counter,
  type Gauge,
  type Histogram,
  type InstrumentSpec,
  type Meter,
} from "./ports/meter.ts";
export type { Random } from "./ports/random.ts";
export { digestOfFile } from "./drivers/file-digest.ts";
export { systemClock } from "./drivers/system-clock.ts";
export { createSystemRandom } from "./drivers/system-random.ts";
export { createSeededRandom } from "./drivers/seeded-random.ts";
export { createManualClock, type ManualClock } from "./drivers/manual-clock.ts";
