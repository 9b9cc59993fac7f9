import { ClusterFailure } from "@kakera/kernel";

export interface CallContext {
  /** The process that calls; proved. */
  readonly sender: string;
  /** Lives until the call settles, and until what the failure says releases it (bufferReleased). */
  readonly payload: Buffer;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export interface CallAnswer {
  /** An encoded message of shard-calls.proto. */
  readonly header: Uint8Array;
  readonly payload?: Buffer;
  /** Called once, when the answer was sent or cannot be. */
  readonly release?: () => void;
}

/** Answers one kind of call. `header` lives as long as the payload. */
export type CallHandler = (header: Buffer, context: CallContext) => Promise<CallAnswer>;

/**
 * A handler of two steps: what cannot be decoded was sent by a node that sees the call otherwise, and rejects with
 * ClusterFailure `retry` VERSION_SKEW.
 */
export function callHandler<Call>(
  decode: (header: Buffer) => Call,
  run: (call: Call, context: CallContext) => Promise<CallAnswer>,
): CallHandler {
  return async (header, context) => {
    let call: Call;
    try {
      call = decode(header);
    } catch (cause) {
      throw new ClusterFailure("retry", "a call cannot be read", { reason: "VERSION_SKEW", cause });
    }
    return run(call, context);
  };
}
