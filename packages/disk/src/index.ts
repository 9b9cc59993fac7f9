export { createNodeDisk } from "./node/node-disk.ts";
export type { FileCalls } from "./node/file-calls.ts";
export { createMemoryDisk, type MemoryDiskOptions } from "./memory/memory-disk.ts";
export { boundedDisk, type BoundedDisk, type BoundedDiskSettings } from "./bounded/bounded-disk.ts";
export { DriveSlowFailure } from "./bounded/drive-slow.ts";
export { faultyDisk, type DiskCall, type DiskFault, type DiskOperation, type FaultScript } from "./faulty-disk.ts";
export {
  createCrashWorld,
  createRecordingDisk,
  freshDrives,
  type CrashWorld,
  type CrashWorldSettings,
} from "./crash/crash-world.ts";
export {
  crashImageAt,
  crashImages,
  type CrashImage,
  type CrashImageSettings,
  type CrashMoment,
} from "./crash/crash-images.ts";
export type { Action, CallOutcome, CrashEvent, CrashHistory } from "./crash/history.ts";
export {
  liesAboutFdatasync,
  liesAboutSynchronousWrites,
  retriesFailedFsync,
  skipsDirectorySync,
} from "./crash/planted-bugs.ts";
export { MemoryTree } from "./memory/memory-tree.ts";
export { digestOnDisk } from "./digest-on-disk.ts";
