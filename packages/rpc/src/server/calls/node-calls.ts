import { idBytes, type ClusterId, type DriveId } from "@kakera/kernel";
import { calls } from "@kakera/protocol";
import type { ShardDrive } from "../../shard-drive.ts";
import { encodeStatus } from "../../wire/shard-messages.ts";
import type { CallHandler } from "./call-handler.ts";

/** Who a node says it is. */
export interface NodeIntroduction {
  readonly clusterId: ClusterId;
  readonly nodeId: string;
  /** Of its program, for people. */
  readonly version: string;
  /** Its wall clock when it answered. */
  readonly wallMs: number;
}

export function helloCall(introduce: () => NodeIntroduction): CallHandler {
  return async () => {
    const { clusterId, ...rest } = introduce();
    return { header: calls.HelloAnswer.encode({ ...rest, clusterId: idBytes(clusterId) }).finish() };
  };
}

export function statusCall(drives: ReadonlyMap<DriveId, ShardDrive>): CallHandler {
  return async () => {
    const statuses = [...drives.values()].map((drive) => encodeStatus(drive.status()));
    return { header: calls.StatusAnswer.encode({ drives: statuses }).finish() };
  };
}
