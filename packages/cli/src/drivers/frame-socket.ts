import type { Socket } from "node:net";
import type { Clock } from "@kakera/kernel";
import type { MessageChannel } from "@kakera/metadata";

/** The channel between two processes of a server: messages about the log beside all others, each kind in order. */
export interface ProcessChannel {
  readonly log: MessageChannel;
  readonly control: MessageChannel;
  /** Nothing is sent or received any more. */
  close(): void;
}

// A frame: bytes of what follows (4), the lane (1), the message.
const headBytes = 5;
const lanes = ["log", "control"] as const;
/** More than any change or report has; a longer one is a bug at the other end. */
const frameBytesMax = 128 * 2 ** 20;

/** Frames over a stream socket; those of one turn of the event loop leave in one write. */
export function openFrames(socket: Socket, clock: Clock): ProcessChannel {
  const frames = new FrameSocket(socket, clock);
  return { log: frames.lane(0), control: frames.lane(1), close: () => frames.close() };
}

class FrameSocket {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #receivers: ((message: Buffer) => void)[] = lanes.map(() => () => {});
  readonly #closed: (() => void)[] = [];
  #outgoing: Uint8Array[] = [];
  #incoming: Buffer[] = [];
  #incomingBytes = 0;
  #neededBytes = headBytes;
  #isClosed = false;

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on("data", (slice: Buffer) => this.#received(slice));
    // What goes wrong with it ends in its closing.
    socket.on("error", () => {});
    socket.once("end", () => this.close());
    socket.once("close", () => this.close());
  }

  lane(at: number): MessageChannel {
    return {
      send: (message) => this.#send(at, message),
      onMessage: (receive) => {
        this.#receivers[at] = receive;
      },
      onClosed: (closed) => void this.#closed.push(closed),
    };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.destroy();
    this.#incoming = [];
    for (const closed of this.#closed) closed();
  }

  #send(lane: number, message: Uint8Array): void {
    if (this.#isClosed) return;
    const head = Buffer.allocUnsafe(headBytes);
    head.writeUInt32LE(message.byteLength + 1, 0);
    head[4] = lane;
    if (this.#outgoing.length === 0) this.#clock.atTurnEnd(() => this.#flush());
    this.#outgoing.push(head, message);
  }

  #flush(): void {
    const leaving = this.#outgoing;
    this.#outgoing = [];
    if (!this.#isClosed) this.#socket.write(Buffer.concat(leaving));
  }

  #received(slice: Buffer): void {
    this.#incoming.push(slice);
    this.#incomingBytes += slice.byteLength;
    if (this.#incomingBytes < this.#neededBytes) return;
    const bytes = this.#incoming.length === 1 ? slice : Buffer.concat(this.#incoming);
    const leftAt = this.#deliver(bytes);
    this.#incoming = this.#isClosed || leftAt === bytes.byteLength ? [] : [bytes.subarray(leftAt)];
    this.#incomingBytes = this.#isClosed ? 0 : bytes.byteLength - leftAt;
  }

  /** Hands over every frame that is whole; where the first that is not begins. */
  #deliver(bytes: Buffer): number {
    let at = 0;
    for (;;) {
      const present = bytes.byteLength - at;
      this.#neededBytes = present < headBytes ? headBytes : 4 + bytes.readUInt32LE(at);
      if (this.#neededBytes > frameBytesMax || this.#neededBytes < headBytes) this.close();
      if (this.#isClosed || present < this.#neededBytes) return at;
      const receive = this.#receivers[bytes[at + 4] as number];
      receive?.(bytes.subarray(at + headBytes, at + this.#neededBytes));
      at += this.#neededBytes;
    }
  }
}
