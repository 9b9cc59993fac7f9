import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export interface WireAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Taken off the socket and not yet asked for: as a client that reads slowly, the rest stays with the server. */
const readAheadBytesMax = 256 * 1024;

/** A connection to an HTTP/1.1 server, http or https, on which many requests may be under way. */
export class WireConnection {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #later: Buffer[] = [];
  #laterBytes = 0;
  #isClosed = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(endpoint: URL) {
    const place = { host: endpoint.hostname, port: Number(endpoint.port) };
    this.#socket =
      endpoint.protocol === "https:" ? connectTls({ ...place, rejectUnauthorized: false }) : connect(place);
    this.#socket.on("data", (bytes: Buffer) => {
      this.#later.push(bytes);
      this.#laterBytes += bytes.byteLength;
      if (this.#received.byteLength + this.#laterBytes > readAheadBytesMax) this.#socket.pause();
      this.#wake?.();
    });
    this.#socket.on("error", (failure) => (this.#failure = failure));
    for (const event of ["end", "close"]) {
      this.#socket.on(event, () => {
        this.#isClosed = true;
        this.#wake?.();
      });
    }
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** The next final answer. Rejects when the server closes the connection before its end. */
  async answer(method: string): Promise<WireAnswer> {
    for (;;) {
      const head = await this.#head();
      const [statusLine = "", ...lines] = head.split("\r\n");
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
      if (Number.isNaN(status)) throw new Error(`no answer: ${JSON.stringify(head.slice(0, 200))}`);
      if (status === 100) continue;
      const headers = new Map(lines.map((line) => headerIn(line)));
      const isBare = method === "HEAD" || status === 204 || status === 304;
      const sizeBytes = isBare ? 0 : Number(headers.get("content-length"));
      if (Number.isNaN(sizeBytes)) throw new Error(`an answer of unknown length: ${JSON.stringify(head)}`);
      return { status, headers, body: await this.#take(sizeBytes) };
    }
  }

  /** As a client that goes away. */
  destroy(): void {
    this.#socket.destroy();
  }

  async #head(): Promise<string> {
    for (;;) {
      this.#join();
      const end = this.#received.indexOf("\r\n\r\n");
      if (end < 0) await this.#more();
      else return (await this.#take(end + 4)).toString("latin1", 0, end);
    }
  }

  async #take(sizeBytes: number): Promise<Buffer> {
    // Each piece is joined once, not again with each that follows.
    while (this.#received.byteLength + this.#laterBytes < sizeBytes) await this.#more();
    this.#join();
    const taken = this.#received.subarray(0, sizeBytes);
    this.#received = this.#received.subarray(sizeBytes);
    return taken;
  }

  async #more(): Promise<void> {
    if (this.#isClosed) throw new Error("the server closed the connection", { cause: this.#failure });
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#socket.resume();
    });
    this.#wake = null;
  }

  #join(): void {
    if (this.#laterBytes === 0) return;
    this.#received = Buffer.concat([this.#received, ...this.#later]);
    this.#later = [];
    this.#laterBytes = 0;
  }
}

function headerIn(line: string): [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
