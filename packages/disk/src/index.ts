export { createNodeDisk } from "./node/node-disk.ts";
export type { FileCalls } from "./node/file-calls.ts";
export { createMemoryDisk, type MemoryDiskOptions } from "./memory/memory-disk.ts";
