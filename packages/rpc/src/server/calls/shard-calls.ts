import { ClusterFailure, idFromBytes, type DriveId } from "@kakera/kernel";
import { calls } from "@kakera/protocol";
import { bufferReleased } from "../../buffer-released.ts";
import type { ShardDrive } from "../../shard-drive.ts";
import { inventoryPageMax, payloadBytesMax } from "../../wire/call-limits.ts";
import { decodeIdentity, decodeRef, encodeDescription } from "../../wire/shard-messages.ts";
import type { PayloadMemory } from "../payload-memory.ts";
import { callHandler, type CallAnswer, type CallHandler } from "./call-handler.ts";

const done: CallAnswer = { header: calls.DoneAnswer.encode({}).finish() };

/** Rejects as the port says; a drive that this node does not have is `retry` DRIVE_OFFLINE. */
export function findDrive(drives: ReadonlyMap<DriveId, ShardDrive>, driveId: DriveId): ShardDrive {
  const drive = drives.get(driveId);
  if (drive !== undefined) return drive;
  throw new ClusterFailure("retry", `this node has no drive ${driveId}`, { reason: "DRIVE_OFFLINE" });
}

export function putCall(drives: ReadonlyMap<DriveId, ShardDrive>): CallHandler {
  return callHandler(
    (header) => {
      const { driveId, identity, isRepair, chunkSizeBytes, blockChecksums, shardDigests } =
        calls.PutCall.decode(header);
      const shard = { identity: decodeIdentity(identity), chunkSizeBytes, blockChecksums, shardDigests };
      return { driveId: idFromBytes("drive", driveId), shard, purpose: isRepair ? "repair" : "client" } as const;
    },
    async ({ driveId, shard, purpose }, { payload }) => {
      const receipt = await findDrive(drives, driveId).put({ ...shard, purpose, payload });
      return { header: calls.ReceiptAnswer.encode({ epoch: receipt.epoch }).finish() };
    },
  );
}

export function readCall(drives: ReadonlyMap<DriveId, ShardDrive>, memory: PayloadMemory): CallHandler {
  return callHandler(
    (header) => {
      const { driveId, ref, offsetBytes, lengthBytes } = calls.ReadCall.decode(header);
      return { driveId: idFromBytes("drive", driveId), ref: decodeRef(ref), window: { offsetBytes, lengthBytes } };
    },
    async ({ driveId, ref, window }, { signal }) => {
      const drive = findDrive(drives, driveId);
      if (window.lengthBytes > payloadBytesMax) throw new ClusterFailure("retry", "a window is too large to be sent");
      const lease = await memory.take(window.lengthBytes, signal);
      try {
        const found = drive.readNow?.(ref, window, lease.bytes) ?? (await drive.read(ref, window, lease.bytes));
        if (found === null) {
          lease.release();
          return { header: calls.ReadAnswer.encode({ isFound: false }).finish() };
        }
        const { lengthBytes, blockChecksums, shardSizeBytes, chunkSizeBytes } = found;
        // Encoding copies the checksums, which live until the drive's next call.
        const answer = { isFound: true, blockChecksums, shardSizeBytes, chunkSizeBytes };
        return {
          header: calls.ReadAnswer.encode(answer).finish(),
          payload: lease.bytes.subarray(0, lengthBytes),
          release: () => lease.release(),
        };
      } catch (failure) {
        // A drive that hangs may still fill it.
        void (bufferReleased(failure) ?? Promise.resolve()).then(() => lease.release());
        throw failure;
      }
    },
  );
}

export function describeCall(drives: ReadonlyMap<DriveId, ShardDrive>): CallHandler {
  return callHandler(
    (header) => {
      const { driveId, ref } = calls.DescribeCall.decode(header);
      return { driveId: idFromBytes("drive", driveId), ref: decodeRef(ref) };
    },
    async ({ driveId, ref }) => {
      const description = await findDrive(drives, driveId).describe(ref);
      const answer = description === null ? {} : { description: encodeDescription(description) };
      return { header: calls.DescribeAnswer.encode(answer).finish() };
    },
  );
}

export function removeCall(drives: ReadonlyMap<DriveId, ShardDrive>): CallHandler {
  return callHandler(
    (header) => {
      const { driveId, refs } = calls.RemoveCall.decode(header);
      return { driveId: idFromBytes("drive", driveId), refs: refs.map((ref) => decodeRef(ref)) };
    },
    async ({ driveId, refs }) => {
      await findDrive(drives, driveId).remove(refs);
      return done;
    },
  );
}

export function removeAtEpochCall(drives: ReadonlyMap<DriveId, ShardDrive>): CallHandler {
  return callHandler(
    (header) => {
      const { driveId, refs, epoch } = calls.RemoveAtEpochCall.decode(header);
      return { driveId: idFromBytes("drive", driveId), refs: refs.map((ref) => decodeRef(ref)), epoch };
    },
    async ({ driveId, refs, epoch }) => {
      await findDrive(drives, driveId).removeAtEpoch(refs, epoch);
      return done;
    },
  );
}

export function sealGroupCall(drives: ReadonlyMap<DriveId, ShardDrive>): CallHandler {
  return callHandler(
    (header) => {
      const { driveId, group, epoch } = calls.SealGroupCall.decode(header);
      return { driveId: idFromBytes("drive", driveId), group, epoch };
    },
    async ({ driveId, group, epoch }) => {
      await findDrive(drives, driveId).sealGroup(group, epoch);
      return done;
    },
  );
}

export function sealedEpochCall(drives: ReadonlyMap<DriveId, ShardDrive>): CallHandler {
  return callHandler(
    (header) => {
      const { driveId, group } = calls.SealedEpochCall.decode(header);
      return { driveId: idFromBytes("drive", driveId), group };
    },
    async ({ driveId, group }) => {
      const epoch = (await findDrive(drives, driveId).sealedEpoch(group)) ?? 0;
      return { header: calls.SealedEpochAnswer.encode({ epoch }).finish() };
    },
  );
}

export function inventoryCall(drives: ReadonlyMap<DriveId, ShardDrive>): CallHandler {
  return callHandler(
    (header) => {
      const { driveId, isOneGroup, group, after, limit } = calls.InventoryCall.decode(header);
      const page = {
        group: isOneGroup ? group : null,
        after: after === null || after === undefined ? null : decodeRef(after),
        limit: Math.min(limit, inventoryPageMax),
      };
      return { driveId: idFromBytes("drive", driveId), page };
    },
    async ({ driveId, page }) => {
      const shards = await findDrive(drives, driveId).inventory(page);
      return { header: calls.InventoryAnswer.encode({ shards: shards.map(encodeDescription) }).finish() };
    },
  );
}
