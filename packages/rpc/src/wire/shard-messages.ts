import { idBytes, idFromBytes } from "@kakera/kernel";
import type {
  DescriptionInput,
  DescriptionMessage,
  IdentityInput,
  IdentityMessage,
  RefInput,
  RefMessage,
  StatusInput,
  StatusMessage,
} from "@kakera/protocol";
import type { DriveCondition, DriveStatus, ShardDescription, ShardIdentity, ShardRef } from "../shard-drive.ts";
import { readReason } from "./failure-message.ts";
import { present } from "./present.ts";

const conditions: readonly DriveCondition[] = ["online", "suspect", "full", "failed", "offline"];

// Parts of a decoded message are whole messages, though the generated types say that fields may be absent.

export function encodeRef({ group, dataId, chunkIndex, shardIndex }: ShardRef): RefInput {
  return { group, dataId: idBytes(dataId), chunkIndex, shardIndex };
}

export function decodeRef(sent: RefInput | null | undefined): ShardRef {
  const { group, dataId, chunkIndex, shardIndex } = present(sent, "a shard's name") as RefMessage;
  return { group, dataId: idFromBytes("data", dataId), chunkIndex, shardIndex };
}

export function encodeIdentity(identity: ShardIdentity): IdentityInput {
  const { pool, epoch, k, m, session, writeNumber, ownerBucketId, ownerKey } = identity;
  return {
    ref: encodeRef(identity),
    pool,
    epoch,
    k,
    m,
    session: idBytes(session),
    writeNumber,
    ownerBucketId: idBytes(ownerBucketId),
    ownerKey,
  };
}

export function decodeIdentity(sent: IdentityInput | null | undefined): ShardIdentity {
  const message = present(sent, "an identity") as IdentityMessage;
  const { ref, pool, epoch, k, m, session, writeNumber, ownerBucketId, ownerKey } = message;
  return {
    ...decodeRef(ref),
    pool,
    epoch,
    k,
    m,
    session: idFromBytes("session", session),
    writeNumber,
    ownerBucketId: idFromBytes("bucket", ownerBucketId),
    ownerKey: copyOf(ownerKey),
  };
}

export function encodeDescription(description: ShardDescription): DescriptionInput {
  const { identity, chunkSizeBytes, shardSizeBytes, shardDigests } = description;
  return { identity: encodeIdentity(identity), chunkSizeBytes, shardSizeBytes, shardDigests };
}

export function decodeDescription(sent: DescriptionInput): ShardDescription {
  const { identity, chunkSizeBytes, shardSizeBytes, shardDigests } = sent as DescriptionMessage;
  return {
    identity: decodeIdentity(identity),
    chunkSizeBytes,
    shardSizeBytes,
    shardDigests: copyOf(shardDigests),
  };
}

export function encodeStatus(status: DriveStatus): StatusInput {
  return { ...status, driveId: idBytes(status.driveId), reason: status.reason ?? "" };
}

export function decodeStatus(input: StatusInput): DriveStatus {
  const sent = input as StatusMessage;
  const { place, freeBytes, totalBytes, shardCount, garbageBytes } = sent;
  return {
    driveId: idFromBytes("drive", sent.driveId),
    place,
    condition: conditions.find((known) => known === sent.condition) ?? "suspect",
    reason: readReason(sent.reason),
    freeBytes,
    totalBytes,
    shardCount,
    garbageBytes,
  };
}

/** What is decoded is a view of a header that is not kept. */
function copyOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes);
}
