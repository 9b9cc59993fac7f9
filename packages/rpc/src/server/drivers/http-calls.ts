import type { IncomingMessage, ServerResponse } from "node:http";
import { ClusterFailure, setPatientTimer, type Clock } from "@kakera/kernel";
import { callBytesMax, callHeaderBytesMax, callPathPrefix, payloadBytesMax } from "../../wire/call-limits.ts";
import { envelopeBytes, type Envelope } from "../../wire/envelope.ts";
import { FrameFailure, FrameReceiver, type FramePlaces, type ReceivedFrame } from "../../wire/frame-receiver.ts";
import type { ServerMetrics } from "../../metrics.ts";
import type { CallTracer } from "../../call-tracer.ts";
import type { NodeService, SealedAnswer } from "../node-service.ts";
import type { NodeServerSettings } from "../node-server-settings.ts";
import type { PayloadLease, PayloadMemory } from "../payload-memory.ts";

export type NodeCallHandler = (request: IncomingMessage, response: ServerResponse) => void;

export interface HttpCallsParts {
  readonly service: NodeService;
  /** For what is received. */
  readonly memory: PayloadMemory;
  readonly clock: Clock;
  readonly settings: NodeServerSettings;
  readonly metrics: ServerMetrics;
  readonly connectionClosed: (connection: object) => void;
  readonly tracer?: CallTracer | undefined;
}

/** Small answers go out in one piece. */
const joinedBytesMax = 16 * 1024;

/** The calls of other nodes as they come over HTTP: receives each whole, has it answered, and sends the answer. */
export class HttpCalls {
  readonly #parts: HttpCallsParts;
  readonly #connections = new WeakSet<object>();
  readonly #underWay = new Set<Promise<void>>();
  /** Those that are not here yet as a whole. */
  readonly #arriving = new Set<IncomingMessage>();
  #isClosing = false;

  constructor(parts: HttpCallsParts) {
    this.#parts = parts;
  }

  readonly handle: NodeCallHandler = (request, response) => {
    this.#watch(request);
    const served = this.#serve(request, response);
    this.#underWay.add(served);
    void served.then(() => this.#underWay.delete(served));
  };

  get callsUnderWay(): number {
    return this.#underWay.size;
  }

  /** Refuses further calls, and those that are still coming; resolves when those under way have ended. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const { socket } of this.#arriving) socket.destroy();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Never rejects. */
  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { memory } = this.#parts;
    const sizeBytes = Number(request.headers["content-length"] ?? Number.NaN);
    const status = this.#refusal(request, sizeBytes);
    const gone = new AbortController();
    response.once("close", () => {
      if (!response.writableFinished) gone.abort(new ClusterFailure("retry", "the caller went away"));
    });
    if (status !== null) return this.#refuse(response, status);
    let lease: PayloadLease;
    this.#arriving.add(request);
    try {
      lease = await memory.take(sizeBytes, gone.signal);
    } catch (failure) {
      this.#arriving.delete(request);
      if (!(failure instanceof ClusterFailure)) throw failure;
      return this.#refuse(response, 503);
    }
    let answer: SealedAnswer | null = null;
    try {
      const frame = await this.#receive(request, { lease, sizeBytes });
      this.#parts.metrics.received(sizeBytes);
      this.#arriving.delete(request);
      const path = request.url as string;
      const call = { path, frame, connection: request.socket, signal: gone.signal };
      const { service, tracer } = this.#parts;
      const { traceparent } = request.headers;
      answer =
        tracer === undefined || typeof traceparent !== "string"
          ? await service.answer(call)
          : await tracer.answering(path.slice(callPathPrefix.length), traceparent, () => service.answer(call));
      if (answer === null) this.#refuse(response, 401);
      else await this.#send(response, answer);
    } catch (failure) {
      if (!(failure instanceof FrameFailure)) throw failure;
      if (!response.destroyed) this.#refuse(response, 400);
    } finally {
      this.#arriving.delete(request);
      answer?.release();
      void (answer?.callReleased ?? Promise.resolve()).then(() => lease.release());
    }
  }

  #refusal(request: IncomingMessage, sizeBytes: number): number | null {
    if (this.#isClosing) return 503;
    if (request.method !== "POST" || request.url?.startsWith(callPathPrefix) !== true) return 404;
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < envelopeBytes) return 411;
    return sizeBytes > callBytesMax ? 413 : null;
  }

  /** Not sealed: whoever sent it was not heard out, or is not one of us. Its connection ends, with what is still to come. */
  #refuse(response: ServerResponse, status: number): void {
    this.#parts.metrics.refused(status);
    if (response.destroyed) return;
    response.writeHead(status, { "content-length": 0, connection: "close" });
    response.end(() => response.socket?.destroySoon());
  }

  /** Rejects with FrameFailure. */
  #receive(
    request: IncomingMessage,
    { lease, sizeBytes }: { readonly lease: PayloadLease; readonly sizeBytes: number },
  ): Promise<ReceivedFrame> {
    const { clock, settings } = this.#parts;
    const receiver = new FrameReceiver((envelope) => placesIn(lease.bytes, envelope, sizeBytes));
    return new Promise((resolve, reject) => {
      const fail = (failure: Error): void => {
        timer.cancel();
        receiver.cancel();
        request.pause();
        reject(
          failure instanceof FrameFailure ? failure : new FrameFailure("the call did not come", { cause: failure }),
        );
      };
      const timer = setPatientTimer(clock, settings.receiveDeadlineMs, () => {
        fail(new FrameFailure("the call came too slowly"));
        request.socket.destroy();
      });
      request.on("data", (chunk: Buffer) => {
        try {
          receiver.push(chunk);
        } catch (failure) {
          fail(failure as Error);
        }
      });
      request.once("error", fail);
      request.once("close", () => {
        if (!request.complete) fail(new FrameFailure("the caller went away"));
      });
      request.once("end", () => {
        timer.cancel();
        try {
          resolve(receiver.finish());
        } catch (failure) {
          fail(failure as Error);
        }
      });
    });
  }

  /** Resolves when no byte of the answer is needed any more. */
  #send(response: ServerResponse, { envelope, header, payload }: SealedAnswer): Promise<void> {
    const { clock, settings } = this.#parts;
    const sizeBytes = envelope.byteLength + header.byteLength + payload.byteLength;
    this.#parts.metrics.sent(sizeBytes);
    return new Promise((resolve) => {
      if (response.destroyed) return resolve();
      const timer = setPatientTimer(clock, settings.sendDeadlineMs, () => response.destroy());
      const over = (): void => {
        timer.cancel();
        resolve();
      };
      // What was handed to the kernel, and what a closed socket will never look at again.
      response.once("finish", over);
      response.once("close", over);
      response.writeHead(200, { "content-length": sizeBytes, ...(this.#isClosing ? { connection: "close" } : {}) });
      if (sizeBytes <= joinedBytesMax) response.end(Buffer.concat([envelope, header, payload]));
      else {
        response.cork();
        response.write(Buffer.concat([envelope, header]));
        response.end(payload);
        response.uncork();
      }
    });
  }

  #watch({ socket }: IncomingMessage): void {
    if (this.#connections.has(socket)) return;
    this.#connections.add(socket);
    socket.once("close", () => this.#parts.connectionClosed(socket));
  }
}

/** The payload at the start, where it is aligned as drives like it, and the header behind it. */
function placesIn(bytes: Buffer, { headerBytes, payloadBytes }: Envelope, sizeBytes: number): FramePlaces {
  const isRight = envelopeBytes + headerBytes + payloadBytes === sizeBytes;
  if (!isRight || headerBytes > callHeaderBytesMax || payloadBytes > payloadBytesMax)
    throw new FrameFailure("the frame is not as long as it says");
  return {
    payload: bytes.subarray(0, payloadBytes),
    header: bytes.subarray(payloadBytes, payloadBytes + headerBytes),
  };
}
