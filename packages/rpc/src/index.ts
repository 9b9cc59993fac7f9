export { isEpochOver } from "./shard-drive.ts";
export type {
  ByteWindow,
  DriveCondition,
  DriveStatus,
  InventoryPage,
  Receipt,
  ShardDescription,
  ShardDrive,
  ShardEnd,
  ShardIdentity,
  ShardRef,
  ShardStream,
  ShardWindow,
  ShardWrite,
} from "./shard-drive.ts";
export { rebuildShard, rebuildWindowBytes, type RebuildJob, type ShardSource, type WorkArea } from "./rebuild-shard.ts";
export type { NodeReport, NodeReports } from "./node-reports.ts";
export { noRepairQueue, type RepairQueue, type ShardFinding } from "./repair-queue.ts";
export { bufferReleased } from "./buffer-released.ts";
export { createNodeClient, type NodeClient } from "./client/node-client.ts";
export { ConnectionLost, TlsRefused, type NodeConnection } from "./client/node-connection.ts";
export { createNodeServer, type NodeServer } from "./server/node-server.ts";
export { listenForCalls, type NodeListener } from "./server/drivers/listen-for-calls.ts";
export { listenWithTls, type TlsNodeListener } from "./server/drivers/listen-with-tls.ts";
export type { ByteSink } from "./wire/byte-sink.ts";
export type { CallTracer } from "./call-tracer.ts";
export type { NodeTls, NodeTlsMode } from "./node-tls.ts";
