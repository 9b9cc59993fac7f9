import { callHeaderBytesMax, payloadBytesMax } from "../wire/call-limits.ts";
import { FrameFailure, FrameReceiver } from "../wire/frame-receiver.ts";
import type { NodeService } from "./node-service.ts";

/** A call that came as a whole, over a connection that is no socket. */
export interface WholeCall {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Of one process: when it is closed, what that process held may be given up. */
  readonly connection: object;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** As over HTTP: `body` is a sealed frame where the status is 200. */
export interface WholeAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** Answers one call whose bytes are all at hand; they are its own until it resolves. Never rejects but for bugs. */
export async function answerWholeCall(service: NodeService, call: WholeCall): Promise<WholeAnswer> {
  const { path, bytes, connection, signal } = call;
  const receiver = new FrameReceiver(({ headerBytes, payloadBytes }) => {
    if (headerBytes > callHeaderBytesMax || payloadBytes > payloadBytesMax) throw new FrameFailure("too long");
    return { header: Buffer.alloc(headerBytes), payload: Buffer.alloc(payloadBytes) };
  });
  let frame;
  try {
    receiver.push(bytes);
    frame = receiver.finish();
  } catch (failure) {
    if (!(failure instanceof FrameFailure)) throw failure;
    return { status: 400, body: Buffer.alloc(0) };
  }
  const answer = await service.answer({ path, frame, connection, signal });
  if (answer === null) return { status: 401, body: Buffer.alloc(0) };
  const { envelope, header, payload, release } = answer;
  const body = Buffer.concat([envelope, header, payload]);
  release();
  return { status: 200, body };
}
