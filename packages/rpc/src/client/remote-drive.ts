import { idBytes, type DriveId } from "@kakera/kernel";
import { calls } from "@kakera/protocol";
import type {
  ByteWindow,
  DriveStatus,
  InventoryPage,
  Receipt,
  ShardDescription,
  ShardDrive,
  ShardIdentity,
  ShardRef,
  ShardStream,
  ShardWindow,
  ShardWrite,
  WritePurpose,
} from "../shard-drive.ts";
import { inventoryPageMax, payloadBytesMax, removalsPerCallMax } from "../wire/call-limits.ts";
import { decodeDescription, encodeIdentity, encodeRef } from "../wire/shard-messages.ts";
import type { NodeCaller } from "./node-caller.ts";
import type { NodeClientSettings } from "./node-client-settings.ts";
import type { NodeStatus } from "./node-status.ts";
import { RemoteStream } from "./remote-stream.ts";

export interface RemoteDriveParts {
  readonly caller: NodeCaller;
  readonly status: NodeStatus;
  readonly settings: NodeClientSettings;
}

/**
 * A drive of another node. Writes are never sent twice: a put that was lost may have been done and its shard be removed since,
 * so that a second one would bring back what is garbage; an append would come twice.
 */
export class RemoteDrive implements ShardDrive {
  readonly driveId: DriveId;
  readonly #id: Uint8Array;
  readonly #parts: RemoteDriveParts;

  constructor(driveId: DriveId, parts: RemoteDriveParts) {
    this.driveId = driveId;
    this.#id = idBytes(driveId);
    this.#parts = parts;
  }

  async put(shard: ShardWrite): Promise<Receipt> {
    const { identity, purpose, chunkSizeBytes, payload, blockChecksums, shardDigests } = shard;
    if (payload.byteLength > payloadBytesMax) return this.#putInPieces(shard);
    const isRepair = purpose === "repair";
    const call = { driveId: this.#id, identity: encodeIdentity(identity), isRepair, chunkSizeBytes };
    const header = calls.PutCall.encode({ ...call, blockChecksums, shardDigests }).finish();
    const answer = await this.#write("put", header, payload);
    return { driveId: this.driveId, epoch: calls.ReceiptAnswer.decode(answer.header).epoch };
  }

  async begin(identity: ShardIdentity, purpose: WritePurpose = "client"): Promise<ShardStream> {
    const call = { driveId: this.#id, identity: encodeIdentity(identity), isRepair: purpose === "repair" };
    const answer = await this.#write("begin", calls.BeginCall.encode(call).finish());
    const { caller, settings } = this.#parts;
    const { streamId } = calls.BeginAnswer.decode(answer.header);
    return new RemoteStream({ caller, driveId: this.driveId, streamId, deadlineMs: settings.writeDeadlineMs });
  }

  async read(ref: ShardRef, window: ByteWindow, into: Uint8Array): Promise<ShardWindow | null> {
    if (window.lengthBytes <= payloadBytesMax) return this.#readPiece(ref, window, into);
    const checksums: Buffer[] = [];
    let readBytes = 0;
    for (;;) {
      const lengthBytes = Math.min(payloadBytesMax, window.lengthBytes - readBytes);
      const piece = { offsetBytes: window.offsetBytes + readBytes, lengthBytes };
      const found = await this.#readPiece(ref, piece, into.subarray(readBytes, readBytes + lengthBytes));
      if (found === null) return null;
      checksums.push(found.blockChecksums);
      readBytes += found.lengthBytes;
      if (found.lengthBytes < lengthBytes || readBytes === window.lengthBytes)
        return { ...found, lengthBytes: readBytes, blockChecksums: Buffer.concat(checksums) };
    }
  }

  async describe(ref: ShardRef): Promise<ShardDescription | null> {
    const header = calls.DescribeCall.encode({ driveId: this.#id, ref: encodeRef(ref) }).finish();
    const { description } = calls.DescribeAnswer.decode((await this.#ask("describe", header)).header);
    return description === null || description === undefined ? null : decodeDescription(description);
  }

  async remove(refs: readonly ShardRef[]): Promise<void> {
    for (let at = 0; at < refs.length; at += removalsPerCallMax) {
      const slice = refs.slice(at, at + removalsPerCallMax).map(encodeRef);
      await this.#write("remove", calls.RemoveCall.encode({ driveId: this.#id, refs: slice }).finish());
    }
  }

  async sealGroup(group: number, epoch: number): Promise<void> {
    await this.#write("seal-group", calls.SealGroupCall.encode({ driveId: this.#id, group, epoch }).finish());
  }

  async sealedEpoch(group: number): Promise<number | null> {
    const header = calls.SealedEpochCall.encode({ driveId: this.#id, group }).finish();
    const { epoch } = calls.SealedEpochAnswer.decode((await this.#ask("sealed-epoch", header)).header);
    return epoch === 0 ? null : epoch;
  }

  async removeAtEpoch(refs: readonly ShardRef[], epoch: number): Promise<void> {
    for (let at = 0; at < refs.length; at += removalsPerCallMax) {
      const slice = refs.slice(at, at + removalsPerCallMax).map(encodeRef);
      const call = { driveId: this.#id, refs: slice, epoch };
      await this.#write("remove-at-epoch", calls.RemoveAtEpochCall.encode(call).finish());
    }
  }

  /** A page that is shorter than asked for is the last: so it is asked for until it is full, or there are no more. */
  async inventory({ group, after, limit }: InventoryPage): Promise<ShardDescription[]> {
    const found: ShardDescription[] = [];
    let from = after;
    while (found.length < limit) {
      const wanted = Math.min(inventoryPageMax, limit - found.length);
      const header = calls.InventoryCall.encode({
        driveId: this.#id,
        ...(group === null ? {} : { isOneGroup: true, group }),
        ...(from === null ? {} : { after: encodeRef(from) }),
        limit: wanted,
      }).finish();
      const { shards } = calls.InventoryAnswer.decode((await this.#ask("inventory", header)).header);
      for (const shard of shards) found.push(decodeDescription(shard));
      if (shards.length < wanted) break;
      from = found.at(-1)?.identity ?? null;
    }
    return found;
  }

  status(): DriveStatus {
    return this.#parts.status.of(this.driveId);
  }

  async #readPiece(
    ref: ShardRef,
    { offsetBytes, lengthBytes }: ByteWindow,
    into: Uint8Array,
  ): Promise<ShardWindow | null> {
    const header = calls.ReadCall.encode({ driveId: this.#id, ref: encodeRef(ref), offsetBytes, lengthBytes }).finish();
    const answer = await this.#ask("read", header, into.subarray(0, lengthBytes));
    const found = calls.ReadAnswer.decode(answer.header);
    if (!found.isFound) return null;
    const { shardSizeBytes, chunkSizeBytes, blockChecksums } = found;
    // The header that the checksums are a view of is this call's own.
    return {
      lengthBytes: answer.payloadBytes,
      blockChecksums: bufferOf(blockChecksums),
      shardSizeBytes,
      chunkSizeBytes,
    };
  }

  async #putInPieces({ identity, purpose, payload, blockChecksums, ...end }: ShardWrite): Promise<Receipt> {
    const stream = await this.begin(identity, purpose);
    try {
      await stream.append(payload, blockChecksums);
      return await stream.finish(end);
    } catch (failure) {
      await stream.abort();
      throw failure;
    }
  }

  #ask(name: string, header: Uint8Array, into?: Uint8Array): ReturnType<NodeCaller["call"]> {
    const { caller, settings } = this.#parts;
    const deadlineMs = name === "inventory" ? settings.writeDeadlineMs : settings.readDeadlineMs;
    return caller.call({ name, header, deadlineMs, isRepeatable: true, ...(into === undefined ? {} : { into }) });
  }

  #write(name: string, header: Uint8Array, payload?: Uint8Array): ReturnType<NodeCaller["call"]> {
    const { caller, settings } = this.#parts;
    const { writeDeadlineMs: deadlineMs } = settings;
    return caller.call({
      name,
      header,
      deadlineMs,
      isRepeatable: false,
      ...(payload === undefined ? {} : { payload }),
    });
  }
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
