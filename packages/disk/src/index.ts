export { createNodeDisk } from "./node/node-disk.ts";
export type { FileCalls } from "./node/file-calls.ts";
export { createMemoryDisk, type MemoryDiskOptions } from "./memory/memory-disk.ts";
export { boundedDisk, type BoundedDisk, type BoundedDiskSettings } from "./bounded/bounded-disk.ts";
export { bufferReleased, DriveSlowFailure } from "./bounded/drive-slow.ts";
export { faultyDisk, type DiskCall, type DiskFault, type DiskOperation, type FaultScript } from "./faulty-disk.ts";
