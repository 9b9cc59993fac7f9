import { connect, type Socket } from "node:net";

/** One answer as it came over the wire. Header names in lower case; values as bytes in latin1. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** Interim answers (100) that came before. */
  readonly interim: readonly number[];
}

/** A connection that sends exactly the bytes it is told to, and reads answers one by one. */
export class RawConnection {
  readonly socket: Socket;
  /** What came and was not yet taken: its beginning in one piece, and behind it what came since. */
  #received = Buffer.alloc(0);
  #later: Buffer[] = [];
  #laterBytes = 0;
  #isClosed = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.#later.push(bytes);
      this.#laterBytes += bytes.byteLength;
      this.#wake?.();
    });
    socket.on("error", (failure) => (this.#failure = failure));
    socket.on("end", () => this.#close());
    socket.on("close", () => this.#close());
  }

  static open(port: number): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new RawConnection(socket)));
    });
  }

  get failure(): Error | null {
    return this.#failure;
  }

  send(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** Resolves when the server has closed its side. */
  async closed(): Promise<void> {
    while (!this.#isClosed) await this.#nextBytes();
  }

  async answer(options: { hasBody?: "no" } = {}): Promise<RawAnswer> {
    const interim: number[] = [];
    for (;;) {
      const head = await this.#head();
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
      const headers = new Map<string, string>();
      for (const line of head.split("\r\n").slice(1)) {
        const colon = line.indexOf(":");
        headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
      }
      if (status === 100) {
        interim.push(status);
        continue;
      }
      const hasBody = options.hasBody !== "no" && status !== 204 && status !== 304;
      return { status, headers, interim, body: hasBody ? await this.#body(headers) : Buffer.alloc(0) };
    }
  }

  /** The status of the next interim answer, without waiting for the final one. */
  async interim(): Promise<number> {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(await this.#head())?.[1]);
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #head(): Promise<string> {
    this.#join();
    let end = this.#received.indexOf("\r\n\r\n");
    while (end < 0) {
      if (this.#isClosed)
        throw (
          this.#failure ??
          new Error(`closed before an answer; got ${JSON.stringify(this.#received.toString("latin1"))}`)
        );
      await this.#more();
      end = this.#received.indexOf("\r\n\r\n");
    }
    const head = this.#received.toString("latin1", 0, end);
    this.#received = this.#received.subarray(end + 4);
    return head;
  }

  async #body(headers: ReadonlyMap<string, string>): Promise<Buffer> {
    if (headers.get("transfer-encoding") === "chunked") return this.#chunkedBody();
    const length = headers.get("content-length");
    if (length === undefined) {
      await this.closed();
      this.#join();
      const rest = this.#received;
      this.#received = Buffer.alloc(0);
      return rest;
    }
    return this.#take(Number(length));
  }

  async #chunkedBody(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (;;) {
      this.#join();
      let end = this.#received.indexOf("\r\n");
      while (end < 0) {
        if (this.#isClosed) throw new Error("closed within a chunked body");
        await this.#more();
        end = this.#received.indexOf("\r\n");
      }
      const sizeBytes = Number.parseInt(this.#received.toString("latin1", 0, end), 16);
      this.#received = this.#received.subarray(end + 2);
      const chunk = await this.#take(sizeBytes + 2);
      if (sizeBytes === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, sizeBytes));
    }
  }

  async #take(sizeBytes: number): Promise<Buffer> {
    while (this.#received.byteLength + this.#laterBytes < sizeBytes) {
      const missingBytes = sizeBytes - this.#received.byteLength - this.#laterBytes;
      if (this.#isClosed) throw new Error(`closed ${missingBytes} bytes short of the body`);
      await this.#nextBytes();
    }
    this.#join();
    const taken = this.#received.subarray(0, sizeBytes);
    this.#received = this.#received.subarray(sizeBytes);
    return taken;
  }

  async #more(): Promise<void> {
    await this.#nextBytes();
    this.#join();
  }

  /** A body of many MiB is joined once, and not anew with every piece that comes. */
  #join(): void {
    if (this.#later.length === 0) return;
    this.#received = Buffer.concat([this.#received, ...this.#later]);
    this.#later = [];
    this.#laterBytes = 0;
  }

  #nextBytes(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null;
        resolve();
      };
    });
  }

  #close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }
}
