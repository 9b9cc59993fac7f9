import { connect, type Socket } from "node:net";
import { setPatientTimer, type Clock } from "@kakera/kernel";
import { ConnectionLost, type Connect, type NodeAddress, type NodeConnection } from "../node-connection.ts";
import { HttpAnswer } from "../http-answer.ts";

export interface HttpConnectSettings {
  readonly address: NodeAddress;
  readonly connectDeadlineMs: number;
  readonly clock: Clock;
}

/** What one read of the socket brings at most. */
const readBytesMax = 256 * 1024;
/** Pieces up to this size are sent as one. */
const joinedBytesMax = 16 * 1024;

/**
 * Connections of HTTP/1.1 on plain sockets. undici's dispatch costs two to six times as much for each call, as it copies each
 * answer twice more (docs/decisions/0021-calls-between-nodes.md); and it does not tell when the system is done with a body that was not wholly sent, which is when memory
 * lent for it may be used again.
 */
export function httpConnect({ address, connectDeadlineMs, clock }: HttpConnectSettings): Connect {
  return () =>
    new Promise((resolve, reject) => {
      const into = Buffer.allocUnsafeSlow(readBytesMax);
      const socket = connect({
        ...address,
        noDelay: true,
        onread: {
          buffer: into,
          callback: (sizeBytes) => {
            connection.received(into.subarray(0, sizeBytes));
            return true;
          },
        },
      });
      const connection = new HttpConnection(socket, address);
      const timer = setPatientTimer(clock, connectDeadlineMs, () => fail(new Error("no connection in time")));
      const fail = (cause: Error): void => {
        timer.cancel();
        socket.destroy();
        reject(new ConnectionLost(`${address.host}:${address.port} cannot be reached`, { cause }));
      };
      socket.once("error", fail);
      socket.once("connect", () => {
        timer.cancel();
        socket.off("error", fail);
        resolve(connection);
      });
    });
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

  exchange(path: string, pieces: readonly Uint8Array[], receive: (chunk: Uint8Array) => void): Promise<number> {
    this.#exchangeCount += 1;
    return new Promise((resolve, reject) => {
      if (!this.#isUsable || this.#exchange !== null) return reject(new ConnectionLost("the connection is closed"));
      this.#exchange = { answer: new HttpAnswer(receive), resolve, reject };
      this.#send(path, pieces);
    });
  }

  destroy(): void {
    this.#isUsable = false;
    this.#socket.destroy();
  }

  received(chunk: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === null) return this.destroy();
    try {
      if (!exchange.answer.push(chunk)) return;
    } catch (failure) {
      return this.#fail(failure as Error);
    }
    this.#exchange = null;
    if (!exchange.answer.keepsConnection) this.destroy();
    exchange.resolve(exchange.answer.status);
  }

  #send(path: string, pieces: readonly Uint8Array[]): void {
    let sizeBytes = 0;
    for (const { byteLength } of pieces) sizeBytes += byteLength;
    const head = Buffer.from(
      `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\ncontent-length: ${sizeBytes}\r\n\r\n`,
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
