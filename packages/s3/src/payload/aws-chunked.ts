import { S3Error } from "../errors/s3-error.ts";
import type { SigningContext } from "../signature/verify-signature.ts";
import type { BodyPlan } from "./body-plan.ts";
import { chunkHeaderBytesMax, parseChunkHeader } from "./chunk-header.ts";
import { ChunkSignatures } from "./chunk-signatures.ts";
import type { BodySink, PayloadDecoder, Trailer } from "./payload-decoder.ts";
import { hasTrailer } from "./payload-mode.ts";
import { checkTrailer, malformedTrailer, parseTrailer, trailerBytesMax } from "./trailer.ts";

const CR = 0x0d;
const LF = 0x0a;

/**
 * - `header`: inside a chunk's header line
 * - `data`: inside a chunk's bytes
 * - `data-end`: the line break behind a chunk's bytes (or behind the last chunk, when there is no trailer)
 * - `trailer`: behind the last chunk; all the rest is trailer
 * - `done`: nothing may follow
 */
type State = "header" | "data" | "data-end" | "trailer" | "done";

/** `signing`: null when chunks are not signed. `plan.lengthBytes` is known, as planBody sees to it. */
export function createAwsChunkedDecoder(plan: BodyPlan, signing: SigningContext | null): PayloadDecoder {
  return new AwsChunkedDecoder(plan, signing);
}

class AwsChunkedDecoder implements PayloadDecoder {
  readonly #plan: BodyPlan;
  readonly #lengthBytes: number;
  readonly #signatures: ChunkSignatures | null;
  #state: State = "header";
  /** The part of a header line or trailer that came with earlier input; one char per byte. */
  #pending = "";
  #chunkBytes = 0;
  #chunkBytesLeft = 0;
  #chunkSignature = "";
  #decodedBytes = 0;
  /** Whether the CR of the line break in `data-end` has been seen. */
  #sawReturn = false;

  constructor(plan: BodyPlan, signing: SigningContext | null) {
    this.#plan = plan;
    this.#lengthBytes = plan.lengthBytes ?? 0;
    this.#signatures = signing === null ? null : new ChunkSignatures(signing);
  }

  push(input: Buffer, sink: BodySink): void {
    let position = 0;
    while (position < input.length) {
      switch (this.#state) {
        case "header":
          position = this.#readHeader(input, position);
          break;
        case "data":
          position = this.#readData(input, position, sink);
          break;
        case "data-end":
          position = this.#readLineBreak(input, position);
          break;
        case "trailer":
          position = this.#readTrailer(input, position);
          break;
        case "done":
          throw incomplete("There are bytes behind the last chunk.");
      }
    }
  }

  end(): Trailer {
    if (this.#state === "trailer") {
      const fields = parseTrailer(this.#pending);
      this.#checkLength();
      return checkTrailer(fields, this.#plan.trailerNames, this.#signatures);
    }
    if (this.#state !== "done") throw incomplete("The body ended before its last chunk.");
    this.#checkLength();
    return [];
  }

  #checkLength(): void {
    if (this.#decodedBytes !== this.#lengthBytes) {
      throw incomplete(
        `The chunks hold ${this.#decodedBytes} bytes; x-amz-decoded-content-length promised ${this.#lengthBytes}.`,
      );
    }
  }

  #readHeader(input: Buffer, start: number): number {
    const lineFeed = input.indexOf(LF, start);
    const end = lineFeed < 0 ? input.length : lineFeed;
    if (this.#pending.length + end - start > chunkHeaderBytesMax) throw incomplete("A chunk header is too long.");
    this.#pending += input.toString("latin1", start, end);
    if (lineFeed < 0) return end;
    const line = this.#pending;
    this.#pending = "";
    if (!line.endsWith("\r")) throw incomplete("A chunk header does not end with CR LF.");
    this.#beginChunk(line.slice(0, -1));
    return lineFeed + 1;
  }

  #beginChunk(line: string): void {
    const header = parseChunkHeader(line);
    if (header === null) throw incomplete("A chunk header is malformed.");
    if (this.#signatures !== null && header.signature === null) throw incomplete("A chunk has no signature.");
    // Before its bytes are taken, so that no more is ever given to the sink than the head promised.
    if (this.#decodedBytes + header.sizeBytes > this.#lengthBytes)
      throw incomplete("The chunks hold more bytes than promised.");
    this.#chunkBytes = header.sizeBytes;
    this.#chunkBytesLeft = header.sizeBytes;
    this.#chunkSignature = header.signature ?? "";
    this.#state = "data";
    if (header.sizeBytes > 0) return;
    this.#signatures?.checkChunk(this.#chunkSignature);
    this.#state = hasTrailer(this.#plan.mode) ? "trailer" : "data-end";
  }

  #readData(input: Buffer, start: number, sink: BodySink): number {
    const end = Math.min(input.length, start + this.#chunkBytesLeft);
    const slice = input.subarray(start, end);
    this.#signatures?.update(slice, this.#chunkBytes);
    this.#chunkBytesLeft -= slice.length;
    this.#decodedBytes += slice.length;
    sink(slice);
    if (this.#chunkBytesLeft === 0) {
      this.#signatures?.checkChunk(this.#chunkSignature);
      this.#state = "data-end";
    }
    return end;
  }

  #readLineBreak(input: Buffer, position: number): number {
    if (input[position] !== (this.#sawReturn ? LF : CR)) throw incomplete("A chunk does not end with CR LF.");
    if (this.#sawReturn) this.#state = this.#chunkBytes === 0 ? "done" : "header";
    this.#sawReturn = !this.#sawReturn;
    return position + 1;
  }

  #readTrailer(input: Buffer, start: number): number {
    if (this.#pending.length + input.length - start > trailerBytesMax)
      throw malformedTrailer("The trailer is too long.");
    this.#pending += input.toString("latin1", start);
    return input.length;
  }
}

function incomplete(message: string): S3Error {
  return new S3Error("IncompleteBody", {}, message);
}
