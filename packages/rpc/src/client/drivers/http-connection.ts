import { connect as connectPlain, isIP, type Socket, type NetConnectOpts } from "node:net";
import { connect as connectTls, type ConnectionOptions, type SecureContextOptions as TlsOptions } from "node:tls";
import { setPatientTimer, type Clock } from "@kakera/kernel";
import { tlsVersionMin } from "../../node-tls.ts";
import { describeTlsFailure } from "../describe-tls-failure.ts";
import { ConnectionLost, TlsRefused, type Connect, type NodeAddress, type NodeConnection } from "../node-connection.ts";
import { HttpAnswer } from "../http-answer.ts";
import type { ByteSink } from "../../wire/byte-sink.ts";
import { readInPlace } from "../../drivers/read-in-place.ts";

/** Certificate, key and authorities, as node:tls takes them. */
export type { TlsOptions };

export interface HttpConnectSettings {
  readonly address: NodeAddress;
  readonly connectDeadlineMs: number;
  readonly clock: Clock;
  /** Asked for each connection: certificate, key and authorities, or null for one without TLS. Absent: never TLS. */
  readonly tls?: () => TlsOptions | null;
}

/** Pieces up to this size are sent as one. */
const joinedBytesMax = 16 * 1024;

/**
 * Connections of HTTP/1.1 on plain sockets. undici's dispatch costs two to six times as much for each call, as it copies each
 * answer twice more (docs/decisions/0021-calls-between-nodes.md); and it does not tell when the system is done with a body that was not wholly sent, which is when memory
 * lent for it may be used again.
 */
export function httpConnect({ address, connectDeadlineMs, clock, tls }: HttpConnectSettings): Connect {
  return () =>
    new Promise((resolve, reject) => {
      const secured = tls?.() ?? null;
      const options: NetConnectOpts = {
        ...address,
        noDelay: true,
        onread: readInPlace({
          // What TLS still does with a place after its socket was destroyed is nowhere said.
          room: () => (secured === null ? (connection?.room() ?? null) : null),
          placed: (sizeBytes) => connection?.placed(sizeBytes),
          push: (chunk) => connection?.received(chunk),
        }),
      };
      let connection: HttpConnection | null = null;
      const socket = secured === null ? connectPlain(options) : connectTls(withTls(options, address, secured));
      const opened = new HttpConnection(socket, address);
      connection = opened;
      const timer = setPatientTimer(clock, connectDeadlineMs, () => fail(new Error("no connection in time")));
      const fail = (cause: Error): void => {
        timer.cancel();
        socket.destroy();
        const why = secured === null ? null : describeTlsFailure(cause);
        if (why === null) reject(new ConnectionLost(`${address.host}:${address.port} cannot be reached`, { cause }));
        else reject(new TlsRefused(why, { cause }));
      };
      socket.once("error", fail);
      socket.once(secured === null ? "connect" : "secureConnect", () => {
        timer.cancel();
        socket.off("error", fail);
        resolve(opened);
      });
    });
}

/** The node's certificate has to be of one of the authorities, and to name the host that was dialled. */
function withTls(options: NetConnectOpts, { host }: NodeAddress, secured: TlsOptions): ConnectionOptions {
  const name = isIP(host) === 0 ? { servername: host } : {};
  return { ...options, ...secured, ...name, minVersion: tlsVersionMin, rejectUnauthorized: true };
}

interface Exchange {
  readonly answer: HttpAnswer;
  readonly resolve: (status: number) => void;
  readonly reject: (failure: Error) => void;
}

class HttpConnection implements NodeConnection {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #host: string;
  #exchange: Exchange | null = null;
  #exchangeCount = 0;
  #isUsable = true;

  constructor(socket: Socket, { host, port }: NodeAddress) {
    this.#socket = socket;
    this.#host = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#fail(new ConnectionLost("the connection was closed"));
        resolve();
      });
    });
    socket.on("error", (cause) => this.#fail(new ConnectionLost("the connection broke", { cause })));
    socket.once("end", () => this.#fail(new ConnectionLost("the node closed the connection")));
  }

  get isUsable(): boolean {
    return this.#isUsable;
  }

  get isReused(): boolean {
    return this.#exchangeCount > 1;
  }

  exchange(
    path: string,
    pieces: readonly Uint8Array[],
    sink: ByteSink,
    traceparent: string | null = null,
  ): Promise<number> {
    this.#exchangeCount += 1;
    return new Promise((resolve, reject) => {
      if (!this.#isUsable || this.#exchange !== null) return reject(new ConnectionLost("the connection is closed"));
      this.#exchange = { answer: new HttpAnswer(sink), resolve, reject };
      this.#send(path, pieces, traceparent === null ? "" : `traceparent: ${traceparent}\r\n`);
    });
  }

  destroy(): void {
    this.#isUsable = false;
    this.#socket.destroy();
  }

  room(): Uint8Array | null {
    return this.#exchange?.answer.room() ?? null;
  }

  placed(sizeBytes: number): void {
    this.#take((answer) => answer.placed(sizeBytes));
  }

  received(chunk: Buffer): void {
    this.#take((answer) => answer.push(chunk));
  }

  /** `take` tells whether the answer is whole then. */
  #take(take: (answer: HttpAnswer) => boolean): void {
    const exchange = this.#exchange;
    if (exchange === null) return this.destroy();
    try {
      if (!take(exchange.answer)) return;
    } catch (failure) {
      return this.#fail(failure as Error);
    }
    this.#exchange = null;
    if (!exchange.answer.keepsConnection) this.destroy();
    exchange.resolve(exchange.answer.status);
  }

  #send(path: string, pieces: readonly Uint8Array[], moreHead: string): void {
    let sizeBytes = 0;
    for (const { byteLength } of pieces) sizeBytes += byteLength;
    const head = Buffer.from(
      `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\ncontent-length: ${sizeBytes}\r\n${moreHead}\r\n`,
      "latin1",
    );
    if (sizeBytes <= joinedBytesMax) {
      this.#socket.write(Buffer.concat([head, ...pieces]));
      return;
    }
    this.#socket.cork();
    this.#socket.write(head);
    for (const piece of pieces) if (piece.byteLength > 0) this.#socket.write(piece);
    this.#socket.uncork();
  }

  #fail(failure: Error): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.destroy();
    exchange?.reject(failure);
  }
}
