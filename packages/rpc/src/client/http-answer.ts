import type { ByteSink } from "../wire/byte-sink.ts";
import { ConnectionLost } from "./node-connection.ts";

const headBytesMax = 8 * 1024;
const headEnd = Buffer.from("\r\n\r\n");

/**
 * Reads one HTTP/1.1 answer of a node, which is all that it reads: one with a Content-Length. Anything else, and bytes behind
 * it that nobody asked for, is an error: the connection is no longer to be trusted.
 */
export class HttpAnswer {
  readonly #sink: ByteSink;
  #head = Buffer.alloc(0);
  #leftBytes = 0;
  #isHeadRead = false;
  status = 0;
  keepsConnection = true;

  /** `sink` gets the body of an answer of status 200. */
  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Where the next bytes of the answer may be read to; null: nowhere, they are pushed. */
  room(): Uint8Array | null {
    if (!this.#isHeadRead || this.status !== 200) return null;
    return this.#sink.room()?.subarray(0, this.#leftBytes) ?? null;
  }

  /** So many bytes lie there now. Whether the answer is whole. */
  placed(sizeBytes: number): boolean {
    this.#sink.placed(sizeBytes);
    this.#leftBytes -= sizeBytes;
    return this.#leftBytes === 0;
  }

  /** Whether the answer is whole now. Throws ConnectionLost, and what the sink throws. */
  push(chunk: Buffer): boolean {
    const body = this.#isHeadRead ? chunk : this.#readHead(chunk);
    if (body === null) return false;
    if (body.byteLength > this.#leftBytes) throw new ConnectionLost("the node sends more than it said");
    this.#leftBytes -= body.byteLength;
    if (this.status === 200 && body.byteLength > 0) this.#sink.push(body);
    return this.#leftBytes === 0;
  }

  /** What follows the head; null: the head is not all there yet. */
  #readHead(chunk: Buffer): Buffer | null {
    const bytes = this.#head.byteLength === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    const end = bytes.indexOf(headEnd);
    if (end < 0) {
      if (bytes.byteLength > headBytesMax) throw new ConnectionLost("the node's answer has no end of its head");
      this.#head = Buffer.from(bytes);
      return null;
    }
    this.#parseHead(bytes.toString("latin1", 0, end));
    this.#isHeadRead = true;
    return bytes.subarray(end + headEnd.byteLength);
  }

  #parseHead(head: string): void {
    const [statusLine = "", ...fields] = head.split("\r\n");
    const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(statusLine)?.[1];
    let lengthText: string | null = null;
    for (const field of fields) {
      const colon = field.indexOf(":");
      const name = field.slice(0, colon).toLowerCase();
      const value = field.slice(colon + 1).trim();
      if (name === "content-length") lengthText = value;
      else if (name === "transfer-encoding") lengthText = "";
      else if (name === "connection" && value.toLowerCase() === "close") this.keepsConnection = false;
    }
    if (status === undefined || lengthText === null || !/^\d{1,15}$/.test(lengthText))
      throw new ConnectionLost("the answer is not one of a node");
    this.status = Number(status);
    this.#leftBytes = Number(lengthText);
  }
}
