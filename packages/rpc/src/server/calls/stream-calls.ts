import { ClusterFailure, idFromBytes, type DriveId } from "@kakera/kernel";
import { calls } from "@kakera/protocol";
import { isEpochOver, type ShardDrive, type ShardStream } from "../../shard-drive.ts";
import { decodeIdentity } from "../../wire/shard-messages.ts";
import type { Holdings } from "../holdings.ts";
import { callHandler, type CallHandler } from "./call-handler.ts";
import { findDrive } from "./shard-calls.ts";

const done = { header: calls.DoneAnswer.encode({}).finish() };

export function unknownStream(id: number): Error {
  return new ClusterFailure("retry", `the shard's stream ${id} was given up`);
}

export function beginCall(drives: ReadonlyMap<DriveId, ShardDrive>, streams: Holdings<ShardStream>): CallHandler {
  return callHandler(
    (header) => {
      const { driveId, identity, isRepair } = calls.BeginCall.decode(header);
      const purpose = isRepair ? "repair" : "client";
      return { driveId: idFromBytes("drive", driveId), identity: decodeIdentity(identity), purpose } as const;
    },
    async ({ driveId, identity, purpose }, { sender, signal }) => {
      const drive = findDrive(drives, driveId);
      streams.checkRoom();
      const stream = await drive.begin(identity, purpose);
      try {
        // Nobody would ever learn its id.
        signal.throwIfAborted();
        return { header: calls.BeginAnswer.encode({ streamId: streams.add(sender, stream) }).finish() };
      } catch (failure) {
        await stream.abort();
        throw failure;
      }
    },
  );
}

export function appendCall(streams: Holdings<ShardStream>): CallHandler {
  return callHandler(
    (header) => calls.AppendCall.decode(header),
    async ({ streamId, blockChecksums }, { sender, payload }) => {
      await streams.use(sender, streamId, (stream) => stream.append(payload, blockChecksums));
      return done;
    },
  );
}

export function finishCall(streams: Holdings<ShardStream>): CallHandler {
  return callHandler(
    (header) => calls.FinishCall.decode(header),
    async ({ streamId, chunkSizeBytes, shardDigests, epoch }, { sender }) => {
      const end = { chunkSizeBytes, shardDigests, ...(epoch === 0 ? {} : { epoch }) };
      try {
        const receipt = await streams.use(sender, streamId, (stream) => stream.finish(end));
        await streams.end(sender, streamId);
        return { header: calls.ReceiptAnswer.encode({ epoch: receipt.epoch }).finish() };
      } catch (failure) {
        // It can be finished again under a newer epoch; after any other failure it is of no use.
        if (!isEpochOver(failure)) await streams.end(sender, streamId);
        throw failure;
      }
    },
  );
}

export function abortCall(streams: Holdings<ShardStream>): CallHandler {
  return callHandler(
    (header) => calls.AbortCall.decode(header),
    async ({ streamId }, { sender }) => {
      await streams.end(sender, streamId);
      return done;
    },
  );
}
