import type { SigningContext } from "../signature/verify-signature.ts";
import { assert } from "@kakera/kernel";
import { createAwsChunkedDecoder } from "./aws-chunked.ts";
import type { BodyPlan } from "./body-plan.ts";
import { isStreaming } from "./payload-mode.ts";
import { createPlainDecoder } from "./plain-payload.ts";

export interface TrailerField {
  /** Lower case. */
  readonly name: string;
  /** Trimmed; one char per byte. */
  readonly value: string;
}

/** The fields that came after the body. Their names are those announced in x-amz-trailer, no more and no fewer. */
export type Trailer = readonly TrailerField[];

export type BodySink = (slice: Buffer) => void;

/** Takes the bytes of a body as they come and gives back those of the object. One per request; not used again after a throw. */
export interface PayloadDecoder {
  /**
   * Calls `sink` with slices of `input` (no copies, each at least one byte). What the sink gets is proved only when `end` has
   * returned: a chunk's signature is checked after its bytes. Throws IncompleteBody, SignatureDoesNotMatch, EntityTooLarge.
   */
  push(input: Buffer, sink: BodySink): void;
  /**
   * Call once, when the last byte has been pushed. Throws IncompleteBody, XAmzContentSHA256Mismatch, SignatureDoesNotMatch,
   * MalformedTrailerError; then nothing of the body may be kept.
   */
  end(): Trailer;
}

/** `signing`: of the verified head; null for anonymous requests, which have no signed chunks. */
export function createPayloadDecoder(plan: BodyPlan, signing: SigningContext | null): PayloadDecoder {
  if (!isStreaming(plan.mode)) return createPlainDecoder(plan);
  const isSigned = plan.mode.kind !== "streaming-unsigned-trailer";
  assert(!isSigned || signing !== null, "signed chunks come only with a signed head");
  return createAwsChunkedDecoder(plan, isSigned ? signing : null);
}
