import { createHash, hash, type Hash } from "node:crypto";
import { S3Error } from "../errors/s3-error.ts";
import { bodyBytesMax, type BodyPlan } from "./body-plan.ts";
import type { BodySink, PayloadDecoder, Trailer } from "./payload-decoder.ts";

const noTrailer: Trailer = [];

/** A body without framing of its own: its length is counted, and its SHA-256 compared when the head signed one. */
export function createPlainDecoder(plan: BodyPlan): PayloadDecoder {
  return new PlainDecoder(plan);
}

class PlainDecoder implements PayloadDecoder {
  readonly #plan: BodyPlan;
  #receivedBytes = 0;
  #hash: Hash | null = null;
  /** Set when the whole body came at once: a small body is then hashed by one call. */
  #wholeSha256: string | null = null;

  constructor(plan: BodyPlan) {
    this.#plan = plan;
  }

  push(input: Buffer, sink: BodySink): void {
    if (input.length === 0) return;
    this.#count(input.length);
    if (this.#plan.mode.kind === "literal") this.#digest(input);
    sink(input);
  }

  end(): Trailer {
    const { mode, lengthBytes } = this.#plan;
    if (lengthBytes !== null && this.#receivedBytes !== lengthBytes) throw incomplete(this.#receivedBytes, lengthBytes);
    if (mode.kind !== "literal") return noTrailer;
    const actual = this.#wholeSha256 ?? this.#hash?.digest("hex") ?? hash("sha256", "", "hex");
    if (actual === mode.sha256) return noTrailer;
    throw new S3Error("XAmzContentSHA256Mismatch", {
      ClientComputedContentSHA256: mode.sha256,
      S3ComputedContentSHA256: actual,
    });
  }

  #count(bytes: number): void {
    const { lengthBytes } = this.#plan;
    this.#receivedBytes += bytes;
    if (lengthBytes !== null && this.#receivedBytes > lengthBytes) throw incomplete(this.#receivedBytes, lengthBytes);
    if (this.#receivedBytes > bodyBytesMax) {
      throw new S3Error("EntityTooLarge", { ProposedSize: this.#receivedBytes, MaxSizeAllowed: bodyBytesMax });
    }
  }

  #digest(input: Buffer): void {
    if (input.length === this.#plan.lengthBytes) {
      this.#wholeSha256 = hash("sha256", input, "hex");
      return;
    }
    this.#hash ??= createHash("sha256");
    this.#hash.update(input);
  }
}

function incomplete(receivedBytes: number, promisedBytes: number): S3Error {
  return new S3Error(
    "IncompleteBody",
    {},
    `The request body has ${receivedBytes} bytes, not the ${promisedBytes} that its headers promised.`,
  );
}
