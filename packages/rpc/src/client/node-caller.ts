import type { KeyObject } from "node:crypto";
import { assert, ClusterFailure, setPatientTimer, type Clock, type Random } from "@kakera/kernel";
import { calls } from "@kakera/protocol";
import type { CallTracer } from "../call-tracer.ts";
import type { ClientMetrics } from "../metrics.ts";
import { answerHeaderBytesMax, callHeaderBytesMax, callPathPrefix, payloadBytesMax } from "../wire/call-limits.ts";
import { macBytes, macOf, saltBytes, type Envelope } from "../wire/envelope.ts";
import { decodeFailure } from "../wire/failure-message.ts";
import { deriveFrameKey, isSealedBy } from "../wire/frame-mac.ts";
import { FrameFailure, FrameReceiver, type FramePlaces, type ReceivedFrame } from "../wire/frame-receiver.ts";
import { FrameSealer } from "../wire/frame-sealer.ts";
import type { Claim, ConnectionPool } from "./connection-pool.ts";
import { tlsStatus } from "../node-tls.ts";
import { ConnectionLost, TlsRefused, type NodeConnection } from "./node-connection.ts";
import { NodeFailure } from "./node-failure.ts";

export interface NodeCall {
  /** Last part of the path. */
  readonly name: string;
  /** An encoded message of shard-calls.proto. */
  readonly header: Uint8Array;
  /** Not looked at any more when the call settles, unless its failure says otherwise (bufferReleased). */
  readonly payload?: Uint8Array;
  /** Takes the answer's payload; not written to any more when the call settles. */
  readonly into?: Uint8Array;
  readonly deadlineMs: number;
  /** Asks, and changes nothing: sent once more on a fresh connection when the node had closed the one it went out on. */
  readonly isRepeatable: boolean;
}

export interface NodeAnswer {
  readonly header: Buffer;
  /** Bytes put into `into`. */
  readonly payloadBytes: number;
}

export interface CallerParts {
  readonly root: KeyObject;
  readonly pool: ConnectionPool;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: ClientMetrics;
  /** The node, for people. */
  readonly place: string;
  /** A call failed: the node or one of its drives may be in another condition than was thought. */
  readonly onFailure: () => void;
  /** Absent: calls are not traced. */
  readonly tracer?: CallTracer | undefined;
}

/** What of a call is to be ended when its deadline passes. */
interface Attempt {
  isOver: boolean;
  claim: Claim | null;
  connection: NodeConnection | null;
  receiver: FrameReceiver | null;
}

/** Sending again: once when a connection was found closed, and once when the node was found to be another process. */
const attemptsMax = 3;
const refusedForTls: ReadonlyMap<number, string> = new Map([
  [tlsStatus.plainRefused, "takes only calls over TLS: --node-certs-dir here too"],
  [
    tlsStatus.certificateRefused,
    "does not take this node's certificate: one of an authority in its CAs is needed in --node-certs-dir",
  ],
]);
const nothing = new Uint8Array(0);
const nobody = Buffer.alloc(saltBytes);

/** Makes calls to one node: seals them, keeps their deadlines, and believes only answers that are sealed for them. */
export class NodeCaller {
  readonly #parts: CallerParts;
  readonly #sealer: FrameSealer;
  /** The process that serves the node, as its answers say. Calls name it: one to a process that died is not for its successor. */
  #addressee: { readonly salt: Buffer; readonly key: KeyObject } | null = null;

  constructor(parts: CallerParts) {
    this.#parts = parts;
    this.#sealer = new FrameSealer(parts.root, "calls", parts);
  }

  /** Rejects with ClusterFailure: NodeFailure when the node did not answer, else as the node says; or with its DiskError. */
  async call(call: NodeCall): Promise<NodeAnswer> {
    const { clock, metrics, onFailure } = this.#parts;
    assert(call.header.byteLength <= callHeaderBytesMax, "a call's header is short");
    assert((call.payload?.byteLength ?? 0) <= payloadBytesMax, "long payloads are sent in several calls");
    const startedAtMs = clock.monotonicMs();
    const attempt: Attempt = { isOver: false, claim: null, connection: null, receiver: null };
    const late = Promise.withResolvers<never>();
    const timer = setPatientTimer(clock, call.deadlineMs, () => late.reject(this.#giveUp(call, attempt)));
    try {
      const answer = await Promise.race([this.#traced(call, attempt), late.promise]);
      metrics.answered(call.name, (clock.monotonicMs() - startedAtMs) / 1000);
      return answer;
    } catch (failure) {
      const reason = failure instanceof ClusterFailure ? failure.reason : null;
      metrics.failed(call.name, reason ?? "");
      onFailure();
      throw failure;
    } finally {
      timer.cancel();
    }
  }

  #giveUp({ name }: NodeCall, attempt: Attempt): NodeFailure {
    attempt.isOver = true;
    attempt.claim?.cancel();
    attempt.receiver?.cancel();
    attempt.connection?.destroy();
    const released = attempt.connection?.closed ?? null;
    return new NodeFailure(`${this.#parts.place} did not answer ${name} in time`, { reason: "DRIVE_SLOW", released });
  }

  #traced(call: NodeCall, attempt: Attempt): Promise<NodeAnswer> {
    const { tracer } = this.#parts;
    if (tracer === undefined) return this.#run(call, attempt, null);
    return tracer.calling(call.name, (traceparent) => this.#run(call, attempt, traceparent));
  }

  async #run(call: NodeCall, attempt: Attempt, traceparent: string | null): Promise<NodeAnswer> {
    for (let count = 1; ; count++) {
      const connection = await this.#connection(attempt);
      try {
        const frame = await this.#exchange(call, { attempt, connection, traceparent });
        if (frame.envelope.kind !== "not-me") return this.#answerOf(frame);
        if (count === attemptsMax)
          throw new NodeFailure(`${this.#parts.place} is not one process`, { reason: "NODE_DOWN" });
      } catch (failure) {
        if (!(failure instanceof ConnectionLost || failure instanceof FrameFailure)) throw failure;
        connection.destroy();
        const mayRepeat = failure instanceof ConnectionLost && connection.isReused && call.isRepeatable;
        if (!mayRepeat || count === attemptsMax || attempt.isOver) throw this.#lost(call, connection, failure);
        this.#parts.pool.dropIdle();
      } finally {
        attempt.connection = null;
        attempt.receiver = null;
        this.#parts.pool.give(connection);
      }
    }
  }

  async #connection(attempt: Attempt): Promise<NodeConnection> {
    const { pool, place } = this.#parts;
    attempt.claim = pool.claim();
    let connection: NodeConnection;
    try {
      connection = await attempt.claim.connection;
    } catch (cause) {
      if (!(cause instanceof ConnectionLost)) throw cause;
      const why = cause instanceof TlsRefused ? cause.message : "cannot be reached";
      throw new NodeFailure(`${place} ${why}`, { reason: "NODE_DOWN", cause });
    }
    attempt.claim = null;
    if (attempt.isOver) {
      pool.give(connection);
      throw new NodeFailure("the call was given up", { reason: "DRIVE_SLOW" });
    }
    attempt.connection = connection;
    return connection;
  }

  async #exchange(
    call: NodeCall,
    by: { readonly attempt: Attempt; readonly connection: NodeConnection; readonly traceparent: string | null },
  ): Promise<ReceivedFrame> {
    const { attempt, connection, traceparent } = by;
    const path = callPathPrefix + call.name;
    const { header, payload = nothing, into = nothing } = call;
    const sealed = this.#sealer.seal({
      path,
      kind: "call",
      addressee: this.#addressee?.salt ?? nobody,
      header,
      payload,
    });
    const receiver = new FrameReceiver((envelope) => placesFor(envelope, into));
    attempt.receiver = receiver;
    this.#parts.metrics.sent(sealed.byteLength + header.byteLength + payload.byteLength);
    const status = await connection.exchange(path, [sealed, header, payload], receiver, traceparent);
    if (status !== 200) throw this.#refused(status, connection);
    const frame = receiver.finish();
    this.#parts.metrics.received(bytesOf(frame));
    this.#checkAnswer(frame, path, sealed);
    return frame;
  }

  #answerOf(frame: ReceivedFrame): NodeAnswer {
    const header = frame.header;
    if (frame.envelope.kind === "failed") throw decodeFailure(calls.Failure.decode(header), this.#parts.place);
    return { header, payloadBytes: frame.payload.byteLength };
  }

  /** Throws FrameFailure unless a process that has the secret sealed it as the answer to this very call. */
  #checkAnswer({ envelope, bytes, header, payload }: ReceivedFrame, path: string, call: Buffer): void {
    const { salt } = envelope;
    const isKnown = this.#addressee?.salt.equals(salt) === true;
    const key = isKnown ? (this.#addressee?.key as KeyObject) : deriveFrameKey(this.#parts.root, salt, "answers");
    const isAnswer =
      envelope.kind !== "call" &&
      isSealedBy(key, { path, envelope: bytes, header, payload }) &&
      envelope.addressee.subarray(0, macBytes).equals(macOf(call));
    if (!isAnswer) throw new FrameFailure("the answer is not authentic");
    if (!isKnown) this.#addressee = { salt: Buffer.from(salt), key };
  }

  /** The node did not hear the call out, or does not believe it. It says so unsealed: nothing else is concluded from it. */
  #refused(status: number, connection: NodeConnection): NodeFailure {
    connection.destroy();
    const { place } = this.#parts;
    const options = { reason: "NODE_DOWN", released: connection.closed } as const;
    if (status === 401) return new NodeFailure(`${place} does not accept this cluster's secret`, options);
    const tlsAnswer = refusedForTls.get(status);
    if (tlsAnswer !== undefined)
      return new NodeFailure(`${place} ${tlsAnswer}`, { ...options, cause: new TlsRefused(tlsAnswer) });
    if (status === 503) return new NodeFailure(`${place} is busy or stops`, { ...options, reason: "DRIVE_SLOW" });
    return new NodeFailure(`${place} does not take the call: ${status}`, { ...options, reason: "VERSION_SKEW" });
  }

  #lost({ name }: NodeCall, { closed }: NodeConnection, cause: Error): NodeFailure {
    const message = `${this.#parts.place} did not answer ${name}: ${cause.message}`;
    return new NodeFailure(message, { reason: "NODE_DOWN", released: closed, cause });
  }
}

function bytesOf({ bytes, header, payload }: ReceivedFrame): number {
  return bytes.byteLength + header.byteLength + payload.byteLength;
}

function placesFor({ headerBytes, payloadBytes }: Envelope, into: Uint8Array): FramePlaces {
  if (headerBytes > answerHeaderBytesMax || payloadBytes > into.byteLength)
    throw new FrameFailure("the answer is larger than what was asked for");
  return { header: Buffer.allocUnsafe(headerBytes), payload: into.subarray(0, payloadBytes) };
}
