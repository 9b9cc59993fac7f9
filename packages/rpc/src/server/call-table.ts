import type { Disk, DiskFile, DriveId } from "@kakera/kernel";
import type { NodeReports } from "../node-reports.ts";
import type { ShardDrive, ShardStream } from "../shard-drive.ts";
import type { CallHandler } from "./calls/call-handler.ts";
import * as files from "./calls/file-calls.ts";
import { helloCall, statusCall, type NodeIntroduction } from "./calls/node-calls.ts";
import { reportCall } from "./calls/report-calls.ts";
import {
  describeCall,
  inventoryCall,
  putCall,
  readCall,
  removeAtEpochCall,
  removeCall,
  sealedEpochCall,
  sealGroupCall,
} from "./calls/shard-calls.ts";
import { abortCall, appendCall, beginCall, finishCall } from "./calls/stream-calls.ts";
import type { Holdings } from "./holdings.ts";
import type { PayloadMemory } from "./payload-memory.ts";

export interface CallTableParts {
  readonly drives: ReadonlyMap<DriveId, ShardDrive>;
  readonly archiveDisks: ReadonlyMap<DriveId, Disk>;
  readonly streams: Holdings<ShardStream>;
  readonly files: Holdings<DiskFile>;
  /** For what is sent. */
  readonly memory: PayloadMemory;
  readonly introduce: () => NodeIntroduction;
  readonly reports: NodeReports;
}

/** What this node can be asked, by the last part of the path. */
export function createCallTable(parts: CallTableParts): ReadonlyMap<string, CallHandler> {
  const { drives, archiveDisks: disks, streams, memory } = parts;
  return new Map([
    ["hello", helloCall(parts.introduce)],
    ["status", statusCall(drives)],
    ["report", reportCall(parts.reports)],
    ["put", putCall(drives)],
    ["begin", beginCall(drives, streams)],
    ["append", appendCall(streams)],
    ["finish", finishCall(streams)],
    ["abort", abortCall(streams)],
    ["read", readCall(drives, memory)],
    ["describe", describeCall(drives)],
    ["remove", removeCall(drives)],
    ["remove-at-epoch", removeAtEpochCall(drives)],
    ["seal-group", sealGroupCall(drives)],
    ["sealed-epoch", sealedEpochCall(drives)],
    ["inventory", inventoryCall(drives)],
    ["open-file", files.openFileCall(disks, parts.files)],
    ["read-file", files.readFileCall(parts.files, memory)],
    ["write-file", files.writeFileCall(parts.files)],
    ["truncate-file", files.truncateFileCall(parts.files)],
    ["sync-file", files.syncFileCall(parts.files)],
    ["measure-file", files.measureFileCall(parts.files)],
    ["close-file", files.closeFileCall(parts.files)],
    ["rename", files.renameCall(disks)],
    ["unlink", files.unlinkCall(disks)],
    ["make-directory", files.makeDirectoryCall(disks)],
    ["sync-directory", files.syncDirectoryCall(disks)],
    ["list", files.listCall(disks)],
    ["stat", files.statCall(disks)],
    ["space", files.spaceCall(disks)],
  ]);
}
