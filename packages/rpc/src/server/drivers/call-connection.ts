import type { Socket } from "node:net";
import { MINUTE_MS, type Clock } from "@kakera/kernel";
import type { Reader, SocketSource } from "../../drivers/read-in-place.ts";
import type { ByteSink } from "../../wire/byte-sink.ts";
import { FrameFailure } from "../../wire/frame-receiver.ts";
import { parseCallHead, type CallHead } from "../call-head.ts";

/** One call, from its head on. */
export interface ArrivingCall {
  readonly head: CallHead;
  readonly connection: CallConnection;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /**
   * Gives the body to the sink, at once what is here of it. Resolves when all of it is there; rejects with FrameFailure when it does not come, or
   * with what the sink throws: nothing is written to the sink's room from then on.
   */
  receive(sink: ByteSink): Promise<void>;
  /** Answers the call. Resolves when no byte of the pieces is looked at any more: the system has them, or the connection is closed. */
  answer(status: number, pieces: readonly Uint8Array[], then: "go-on" | "close"): Promise<void>;
}

export interface CallConnectionParts {
  readonly clock: Clock;
  /** A call has begun to arrive; the next one is told when this one is answered. */
  readonly begin: (call: ArrivingCall) => void;
  readonly gone: (cause: Error) => Error;
}

const headBytesMax = 8 * 1024;
const headEnd = Buffer.from("\r\n\r\n");
/** What is kept of a body that is not taken yet, or of the next call, before the socket is read no further. */
const earlyBytesMax = 64 * 1024;
/** Small answers go out in one piece. */
const joinedBytesMax = 16 * 1024;
/** Above what clients keep an idle connection for: so it is never closed under a call that is just being sent. */
const idleMsMax = MINUTE_MS;
const nothing = Buffer.alloc(0);
const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  411: "Length Required",
  413: "Content Too Large",
  503: "Service Unavailable",
};

/** Of which part of a call the next bytes are: its body waits to be taken, is taken, or it waits to be answered. */
type Phase = "head" | "held" | "body" | "answering" | "over";

interface Body {
  readonly sink: ByteSink;
  readonly resolve: () => void;
  readonly reject: (failure: Error) => void;
}

/**
 * Calls of one connection, one after the other: HTTP/1.1 as far as nodes speak it, on the socket itself. node:http takes several times as much for
 * a call, and gives each slice of a body in a buffer of its own (docs/decisions/0033-calls-on-sockets.md).
 */
export class CallConnection {
  readonly socket: Socket;
  readonly #parts: CallConnectionParts;
  #phase: Phase = "head";
  /** Bytes that came before they were wanted. */
  #early: Buffer[] = [];
  #earlyBytes = 0;
  /** Of the head that is not whole yet. */
  #head = nothing;
  #headSinceMs = 0;
  /** Of the body that is still to come. */
  #leftBytes = 0;
  #body: Body | null = null;
  #abort: AbortController | null = null;

  constructor(source: SocketSource, parts: CallConnectionParts) {
    this.#parts = parts;
    const socket = source(this.#reader);
    this.socket = socket;
    socket.setTimeout(idleMsMax);
    socket.on("timeout", () => {
      if (this.#phase === "head") socket.destroy();
    });
    socket.on("error", (cause) => this.#end(cause));
    socket.once("end", () => this.#end(new Error("the caller closed the connection")));
    socket.once("close", () => this.#end(new Error("the connection was closed")));
  }

  readonly #reader: Reader = {
    room: () => (this.#phase === "body" ? (this.#body?.sink.room()?.subarray(0, this.#leftBytes) ?? null) : null),
    placed: (sizeBytes) => {
      this.#body?.sink.placed(sizeBytes);
      this.#leftBytes -= sizeBytes;
      if (this.#leftBytes === 0) this.#bodyIsHere();
    },
    push: (chunk) => this.#received(chunk),
  };

  destroy(): void {
    this.socket.destroy();
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.closed) return resolve();
      this.socket.once("close", resolve);
      this.socket.destroy();
    });
  }

  #received(chunk: Buffer): void {
    if (this.#phase === "head") this.#readHead(chunk);
    else if (this.#phase === "body") this.#readBody(chunk);
    else if (this.#phase !== "over") this.#keep(chunk);
  }

  #readHead(chunk: Buffer): void {
    const { clock } = this.#parts;
    const isFirst = this.#head.byteLength === 0;
    if (isFirst) this.#headSinceMs = clock.monotonicMs();
    const bytes = isFirst ? chunk : Buffer.concat([this.#head, chunk]);
    const end = bytes.indexOf(headEnd);
    if (end >= 0 && end <= headBytesMax) {
      this.#head = nothing;
      return this.#beginCall(parseCallHead(bytes.toString("latin1", 0, end)), bytes.subarray(end + headEnd.byteLength));
    }
    // What is no HTTP may have no empty line for long: a node with TLS would wait for its handshake.
    const isHttp = isLetter(bytes[0] as number) && bytes.byteLength <= headBytesMax;
    const isInTime = clock.monotonicMs() - this.#headSinceMs <= idleMsMax;
    if (!isHttp || !isInTime) return this.#refuseHead();
    this.#head = Buffer.from(bytes);
  }

  #beginCall(head: CallHead | null, rest: Buffer): void {
    if (head === null) return this.#refuseHead();
    this.#phase = "held";
    this.#leftBytes = Number.isNaN(head.sizeBytes) ? 0 : head.sizeBytes;
    const abort = new AbortController();
    this.#abort = abort;
    this.#early = [rest];
    this.#earlyBytes = rest.byteLength;
    this.#parts.begin({
      head,
      connection: this,
      signal: abort.signal,
      receive: (sink) => this.#receive(sink),
      answer: (status, pieces, then) => this.#answer(status, pieces, head.isLast ? "close" : then),
    });
    // Its bytes were lent for the time of this read.
    if (this.#early[0] === rest) this.#early[0] = Buffer.from(rest);
    this.#boundEarly();
  }

  /** Whoever it is, it is no node. */
  #refuseHead(): void {
    this.#phase = "over";
    this.#write(400, [], true, () => this.socket.destroySoon());
  }

  #receive(sink: ByteSink): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#phase === "over") return reject(new FrameFailure("the caller went away"));
      this.#body = { sink, resolve, reject };
      this.#phase = "body";
      if (this.#leftBytes === 0) this.#bodyIsHere();
      this.#takeEarly();
    });
  }

  #readBody(chunk: Buffer): void {
    const isAll = chunk.byteLength >= this.#leftBytes;
    const slice = chunk.byteLength > this.#leftBytes ? chunk.subarray(0, this.#leftBytes) : chunk;
    const rest = chunk.subarray(slice.byteLength);
    this.#leftBytes -= slice.byteLength;
    try {
      this.#body?.sink.push(slice);
    } catch (failure) {
      return this.#failBody(failure as Error);
    }
    if (isAll) this.#bodyIsHere();
    if (rest.byteLength > 0) this.#keep(rest);
  }

  #bodyIsHere(): void {
    this.#phase = "answering";
    const body = this.#body;
    this.#body = null;
    body?.resolve();
  }

  #failBody(failure: Error): void {
    this.#phase = "over";
    this.socket.pause();
    const body = this.#body;
    this.#body = null;
    body?.reject(failure);
  }

  #keep(chunk: Buffer): void {
    this.#early.push(Buffer.from(chunk));
    this.#earlyBytes += chunk.byteLength;
    this.#boundEarly();
  }

  #boundEarly(): void {
    if (this.#earlyBytes > earlyBytesMax) this.socket.pause();
  }

  #takeEarly(): void {
    const early = this.#early;
    if (this.#earlyBytes > earlyBytesMax) this.socket.resume();
    this.#early = [];
    this.#earlyBytes = 0;
    for (const chunk of early) if (chunk.byteLength > 0) this.#received(chunk);
  }

  #answer(status: number, pieces: readonly Uint8Array[], then: "go-on" | "close"): Promise<void> {
    const { socket } = this;
    return new Promise((resolve) => {
      if (socket.destroyed) return resolve();
      socket.once("close", resolve);
      const sent = (): void => {
        socket.off("close", resolve);
        resolve();
        if (then === "close") socket.destroySoon();
        else this.#next();
      };
      // What fails to be sent is looked at until the socket is closed.
      this.#write(status, pieces, then === "close", (failure) => {
        if (!failure) sent();
      });
    });
  }

  #write(
    status: number,
    pieces: readonly Uint8Array[],
    isLast: boolean,
    written: (failure?: Error | null) => void,
  ): void {
    const { socket } = this;
    let sizeBytes = 0;
    for (const { byteLength } of pieces) sizeBytes += byteLength;
    const head = Buffer.from(
      `HTTP/1.1 ${status} ${reasons[status] ?? ""}\r\ncontent-length: ${sizeBytes}\r\n${isLast ? "connection: close\r\n" : ""}\r\n`,
      "latin1",
    );
    if (sizeBytes <= joinedBytesMax) {
      socket.write(Buffer.concat([head, ...pieces]), written);
      return;
    }
    socket.cork();
    const all = [head, ...pieces].filter(({ byteLength }) => byteLength > 0);
    for (const piece of all.slice(0, -1)) socket.write(piece);
    socket.write(all.at(-1) as Uint8Array, written);
    socket.uncork();
  }

  /** The call is answered: what follows is the next one. */
  #next(): void {
    this.#abort = null;
    if (this.#phase === "over") return;
    if (this.#phase !== "answering") return this.destroy();
    this.#phase = "head";
    this.#takeEarly();
  }

  #end(cause: Error): void {
    this.#phase = "over";
    this.#early = [];
    const [body, abort] = [this.#body, this.#abort];
    this.#body = null;
    this.#abort = null;
    this.socket.destroy();
    abort?.abort(this.#parts.gone(cause));
    body?.reject(new FrameFailure("the caller went away", { cause }));
  }
}

function isLetter(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}
