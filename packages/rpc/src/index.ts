export type {
  ByteWindow, DriveCondition, DriveStatus, InventoryPage, Receipt, ShardDescription, ShardDrive, ShardIdentity,
  ShardRef, ShardStream, ShardWindow, ShardWrite,
} from "./shard-drive.ts";
