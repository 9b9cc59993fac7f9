import { createHash, type Hash } from "node:crypto";
import type { ExpectedContent } from "@kakera/load";
import { patternBlock } from "@kakera/load";
import { createCrc64Nvme, type Crc64 } from "./crc64-nvme.ts";

/** The bytes of one request, with what a client computes over them. */
export interface Payload {
  readonly sizeBytes: number;
  /** In order; views, which nobody writes to. */
  readonly pieces: readonly Buffer[];
  digest(algorithm: "sha256" | "md5"): Buffer;
  /** Big-endian. */
  crc64Nvme(): Buffer;
  /** Of the `index`-th 64 KiB. */
  chunk(index: number): Chunk;
}

export interface Chunk {
  readonly pieces: readonly Buffer[];
  readonly sizeBytes: number;
  readonly sha256Hex: string;
}

/** Of minio-go's framing. */
export const chunkSizeBytes = 64 << 10;
const stampSizeBytes = 32;
const windowStrideBytes = 1 << 20;
const windowCount = 16;
const unitSizeBytesMax = 64 << 20;
/** Of each kind: a trace has some dozens of sizes, at sixteen windows each. */
const memosMax = 10_000;

/**
 * What is stored under one key, known from the seed and the key alone: units of random bytes (one for each part of an upload), each of
 * them a window of one block and, at its end, a stamp that no other unit has. Windows repeat, so that the client hashes each of them once
 * and has its CPU for the wire; the stamp is what tells an answer from that of another key, or of another place in it.
 */
export class Content implements ExpectedContent {
  readonly sizeBytes: number;
  readonly #name: string;
  readonly #unitSizeBytes: number;
  readonly #units: Unit[] = [];

  constructor(name: string, sizeBytes: number, unitSizeBytes: number = sizeBytes) {
    if (unitSizeBytes > unitSizeBytesMax) throw new Error(`a unit has at most ${unitSizeBytesMax} bytes`);
    this.sizeBytes = sizeBytes;
    this.#name = name;
    this.#unitSizeBytes = Math.max(1, unitSizeBytes);
  }

  /** At least one: an empty object has an empty one. */
  get unitCount(): number {
    return Math.max(1, Math.ceil(this.sizeBytes / this.#unitSizeBytes));
  }

  unit(index: number): Payload {
    return this.#unit(index);
  }

  #unit(index: number): Unit {
    const known = this.#units[index];
    if (known !== undefined) return known;
    const sizeBytes = Math.min(this.#unitSizeBytes, this.sizeBytes - index * this.#unitSizeBytes);
    return (this.#units[index] = new Unit(`${this.#name}#${index}`, sizeBytes));
  }

  matches(slice: Buffer, at: number): boolean {
    if (at + slice.byteLength > this.sizeBytes) return false;
    let done = 0;
    while (done < slice.byteLength) {
      const place = at + done;
      const index = Math.floor(place / this.#unitSizeBytes);
      const from = place - index * this.#unitSizeBytes;
      const unit = this.#unit(index);
      const length = Math.min(slice.byteLength - done, unit.sizeBytes - from);
      if (!unit.matches(slice.subarray(done, done + length), from)) return false;
      done += length;
    }
    return true;
  }

  /** What a request for so many bytes from `offsetBytes` on has to bring. */
  range(offsetBytes: number, sizeBytes: number): ExpectedContent {
    return {
      sizeBytes,
      matches: (slice, at) => at + slice.byteLength <= sizeBytes && this.matches(slice, offsetBytes + at),
    };
  }
}

class Unit implements Payload {
  readonly sizeBytes: number;
  readonly #offset: number;
  readonly #window: Buffer;
  readonly #stamp: Buffer;

  constructor(name: string, sizeBytes: number) {
    const stamp = createHash("sha256").update(name).digest();
    this.sizeBytes = sizeBytes;
    this.#offset = ((stamp[0] as number) % windowCount) * windowStrideBytes;
    const windowSizeBytes = Math.max(0, sizeBytes - stampSizeBytes);
    this.#window = patternBlock().subarray(this.#offset, this.#offset + windowSizeBytes);
    this.#stamp = stamp.subarray(0, sizeBytes - windowSizeBytes);
  }

  get pieces(): readonly Buffer[] {
    return [this.#window, this.#stamp];
  }

  digest(algorithm: "sha256" | "md5"): Buffer {
    return hashOfWindow(algorithm, this.#offset, this.#window).update(this.#stamp).digest();
  }

  crc64Nvme(): Buffer {
    return crcOfWindow(this.#offset, this.#window).update(this.#stamp).digest();
  }

  chunk(index: number): Chunk {
    const [from, end] = [index * chunkSizeBytes, Math.min((index + 1) * chunkSizeBytes, this.sizeBytes)];
    const inWindow = this.#window.subarray(from, end);
    if (inWindow.byteLength === chunkSizeBytes)
      return { pieces: [inWindow], sizeBytes: chunkSizeBytes, sha256Hex: hashOfChunk(this.#offset + from, inWindow) };
    const inStamp = this.#stamp.subarray(Math.max(0, from - this.#window.byteLength), end - this.#window.byteLength);
    const sha256Hex = createHash("sha256").update(inWindow).update(inStamp).digest("hex");
    return { pieces: [inWindow, inStamp], sizeBytes: end - from, sha256Hex };
  }

  matches(slice: Buffer, at: number): boolean {
    const windowFrom = Math.min(at, this.#window.byteLength);
    const windowEnd = Math.min(at + slice.byteLength, this.#window.byteLength);
    const inWindow = windowEnd - windowFrom;
    const stampFrom = Math.max(0, at - this.#window.byteLength);
    return (
      this.#window.compare(slice, 0, inWindow, windowFrom, windowEnd) === 0 &&
      this.#stamp.compare(slice, inWindow, slice.byteLength, stampFrom, stampFrom + slice.byteLength - inWindow) === 0
    );
  }
}

/** Bytes as they are, for what is small or written once. */
export function payloadOf(bytes: Buffer | string): Payload {
  const whole = Buffer.from(bytes);
  return {
    sizeBytes: whole.byteLength,
    pieces: [whole],
    digest: (algorithm) => createHash(algorithm).update(whole).digest(),
    crc64Nvme: () => createCrc64Nvme().update(whole).digest(),
    chunk(index) {
      const chunk = whole.subarray(index * chunkSizeBytes, (index + 1) * chunkSizeBytes);
      return {
        pieces: [chunk],
        sizeBytes: chunk.byteLength,
        sha256Hex: createHash("sha256").update(chunk).digest("hex"),
      };
    },
  };
}

const hashes = new Map<string, Hash>();
const crcs = new Map<string, Crc64>();
const chunkHashes = new Map<number, string>();

function hashOfWindow(algorithm: string, offset: number, window: Buffer): Hash {
  return remembered(hashes, `${algorithm} ${offset} ${window.byteLength}`, () =>
    createHash(algorithm).update(window),
  ).copy();
}

function crcOfWindow(offset: number, window: Buffer): Crc64 {
  return remembered(crcs, `${offset} ${window.byteLength}`, () => createCrc64Nvme().update(window)).copy();
}

function hashOfChunk(offset: number, chunk: Buffer): string {
  return remembered(chunkHashes, offset, () => createHash("sha256").update(chunk).digest("hex"));
}

function remembered<Key, Value>(memos: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = memos.get(key);
  if (known !== undefined) return known;
  const made = make();
  if (memos.size < memosMax) memos.set(key, made);
  return made;
}
