import { ClusterFailure, setPatientTimer, type Clock } from "@kakera/kernel";
import { callBytesMax, callHeaderBytesMax, callPathPrefix, payloadBytesMax } from "../../wire/call-limits.ts";
import { envelopeBytes, type Envelope } from "../../wire/envelope.ts";
import { FrameFailure, FrameReceiver, type FramePlaces, type ReceivedFrame } from "../../wire/frame-receiver.ts";
import type { ServerMetrics } from "../../metrics.ts";
import type { CallTracer } from "../../call-tracer.ts";
import type { CallHead } from "../call-head.ts";
import type { NodeService, SealedAnswer } from "../node-service.ts";
import type { NodeServerSettings } from "../node-server-settings.ts";
import type { PayloadLease, PayloadMemory } from "../payload-memory.ts";
import type { SocketSource } from "../../drivers/read-in-place.ts";
import { CallConnection, type ArrivingCall } from "./call-connection.ts";

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

/** The calls of other nodes as they come over HTTP: receives each whole, has it answered, and sends the answer. */
export class HttpCalls {
  readonly #parts: HttpCallsParts;
  readonly #connections = new Set<CallConnection>();
  readonly #underWay = new Set<Promise<void>>();
  /** Of calls that are not here yet as a whole. */
  readonly #arriving = new Set<CallConnection>();
  #isClosing = false;

  constructor(parts: HttpCallsParts) {
    this.#parts = parts;
  }

  readonly accept = (source: SocketSource): void => {
    const connection = new CallConnection(source, {
      clock: this.#parts.clock,
      begin: (call) => this.#begin(call),
      gone: (cause) => new ClusterFailure("retry", "the caller went away", { cause }),
    });
    this.#connections.add(connection);
    connection.socket.once("close", () => {
      this.#connections.delete(connection);
      this.#parts.connectionClosed(connection);
    });
  };

  get callsUnderWay(): number {
    return this.#underWay.size;
  }

  /** Refuses further calls, and those that are still coming; resolves when those under way have ended and no connection is left. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const connection of this.#arriving) connection.destroy();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    await Promise.all(Array.from(this.#connections, (connection) => connection.close()));
  }

  #begin(call: ArrivingCall): void {
    const served = this.#serve(call);
    this.#underWay.add(served);
    void served.then(() => this.#underWay.delete(served));
  }

  /** Never rejects. */
  async #serve(call: ArrivingCall): Promise<void> {
    const { head, connection, signal } = call;
    const status = this.#refusal(head);
    if (status !== null) return this.#refuse(call, status);
    this.#arriving.add(connection);
    let lease: PayloadLease;
    try {
      // What is to be had at once is taken at once: so the body's beginning is copied from where it was read.
      lease = this.#parts.memory.takeNow(head.sizeBytes) ?? (await this.#parts.memory.take(head.sizeBytes, signal));
    } catch (failure) {
      this.#arriving.delete(connection);
      if (!(failure instanceof ClusterFailure)) throw failure;
      return this.#refuse(call, 503);
    }
    let answer: SealedAnswer | null = null;
    try {
      const frame = await this.#receive(call, lease);
      this.#parts.metrics.received(head.sizeBytes);
      this.#arriving.delete(connection);
      answer = await this.#answerOf(call, frame);
      if (answer === null) await this.#refuse(call, 401);
      else await this.#send(call, answer);
    } catch (failure) {
      if (!(failure instanceof FrameFailure)) throw failure;
      await this.#refuse(call, 400);
    } finally {
      this.#arriving.delete(connection);
      answer?.release();
      void (answer?.callReleased ?? Promise.resolve()).then(() => lease.release());
    }
  }

  #refusal({ method, path, sizeBytes }: CallHead): number | null {
    if (this.#isClosing) return 503;
    if (method !== "POST" || !path.startsWith(callPathPrefix)) return 404;
    if (!(sizeBytes >= envelopeBytes)) return 411;
    return sizeBytes > callBytesMax ? 413 : null;
  }

  /** Not sealed: whoever sent it was not heard out, or is not one of us. Its connection ends, with what is still to come. */
  #refuse(call: ArrivingCall, status: number): Promise<void> {
    this.#parts.metrics.refused(status);
    return call.answer(status, [], "close");
  }

  /** Rejects with FrameFailure. */
  async #receive(call: ArrivingCall, { bytes }: PayloadLease): Promise<ReceivedFrame> {
    const { clock, settings } = this.#parts;
    const receiver = new FrameReceiver((envelope) => placesIn(bytes, envelope, call.head.sizeBytes));
    const timer = setPatientTimer(clock, settings.receiveDeadlineMs, () => call.connection.destroy());
    try {
      await call.receive(receiver);
      return receiver.finish();
    } finally {
      timer.cancel();
      receiver.cancel();
    }
  }

  /** null: whoever sent it does not have the secret. */
  #answerOf({ head, connection, signal }: ArrivingCall, frame: ReceivedFrame): Promise<SealedAnswer | null> {
    const { service, tracer } = this.#parts;
    const { path, traceparent } = head;
    const call = { path, frame, connection, signal };
    if (tracer === undefined || traceparent === null) return service.answer(call);
    return tracer.answering(path.slice(callPathPrefix.length), traceparent, () => service.answer(call));
  }

  /** Resolves when no byte of the answer is needed any more. */
  async #send(call: ArrivingCall, { envelope, header, payload }: SealedAnswer): Promise<void> {
    const { clock, settings, metrics } = this.#parts;
    metrics.sent(envelope.byteLength + header.byteLength + payload.byteLength);
    const timer = setPatientTimer(clock, settings.sendDeadlineMs, () => call.connection.destroy());
    await call.answer(200, [envelope, header, payload], this.#isClosing ? "close" : "go-on");
    timer.cancel();
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
