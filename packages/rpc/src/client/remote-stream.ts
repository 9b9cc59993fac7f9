import { ClusterFailure, type DriveId } from "@kakera/kernel";
import { blockChecksumSizeBytes, blockSizeBytes } from "@kakera/erasure";
import { calls } from "@kakera/protocol";
import { isEpochOver, type Receipt, type ShardEnd, type ShardStream } from "../shard-drive.ts";
import { payloadBytesMax } from "../wire/call-limits.ts";
import type { NodeCaller } from "./node-caller.ts";

export interface RemoteStreamParts {
  readonly caller: NodeCaller;
  readonly driveId: DriveId;
  readonly streamId: number;
  readonly deadlineMs: number;
}

/** A shard in pieces on another node. One call at a time; after one that failed nothing is sent but the end of it. */
export class RemoteStream implements ShardStream {
  readonly #parts: RemoteStreamParts;
  #last: Promise<unknown> = Promise.resolve();
  /** It is not known what the node has: whatever followed might leave a hole. */
  #failure: Error | null = null;

  constructor(parts: RemoteStreamParts) {
    this.#parts = parts;
  }

  append(payload: Uint8Array, blockChecksums: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      for (let at = 0; at === 0 || at < payload.byteLength; at += payloadBytesMax) {
        const piece = payload.subarray(at, at + payloadBytesMax);
        const sums = blockChecksums.subarray(checksumsUpTo(at), checksumsUpTo(at + payloadBytesMax));
        const header = calls.AppendCall.encode({ streamId: this.#parts.streamId, blockChecksums: sums }).finish();
        await this.#call("append", header, piece);
      }
    });
  }

  finish({ chunkSizeBytes, shardDigests, epoch = 0 }: ShardEnd): Promise<Receipt> {
    return this.#inTurn(async () => {
      const { streamId, driveId } = this.#parts;
      const answer = await this.#call(
        "finish",
        calls.FinishCall.encode({ streamId, chunkSizeBytes, shardDigests, epoch }).finish(),
      );
      return { driveId, epoch: calls.ReceiptAnswer.decode(answer.header).epoch };
    });
  }

  async abort(): Promise<void> {
    this.#failure ??= new ClusterFailure("retry", "the shard was given up");
    await this.#last.catch(() => {});
    try {
      await this.#call("abort", calls.AbortCall.encode({ streamId: this.#parts.streamId }).finish());
    } catch (failure) {
      // The node gives it up by itself when no call comes for it.
      if (!(failure instanceof ClusterFailure)) throw failure;
    }
  }

  #inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(async () => {
      if (this.#failure !== null) throw this.#failure;
      try {
        return await run();
      } catch (failure) {
        // What was refused for its epoch changed nothing.
        if (!isEpochOver(failure)) this.#failure = failure as Error;
        throw failure;
      }
    });
    this.#last = result.catch(() => {});
    return result;
  }

  #call(name: string, header: Uint8Array, payload?: Uint8Array): ReturnType<NodeCaller["call"]> {
    const { caller, deadlineMs } = this.#parts;
    return caller.call({
      name,
      header,
      deadlineMs,
      isRepeatable: false,
      ...(payload === undefined ? {} : { payload }),
    });
  }
}

/** Of a payload up to here, which is a multiple of the block. */
function checksumsUpTo(payloadBytes: number): number {
  return (payloadBytes / blockSizeBytes) * blockChecksumSizeBytes;
}
