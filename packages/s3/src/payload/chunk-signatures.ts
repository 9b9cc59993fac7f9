import { createHash, hash, type Hash } from "node:crypto";
import { S3Error } from "../errors/s3-error.ts";
import { isSignature, sha256OfLatin1 } from "../signature/signature-hashes.ts";
import type { SigningContext } from "../signature/verify-signature.ts";
import type { TrailerField } from "./payload-decoder.ts";

const emptySha256 = hash("sha256", "", "hex");

/**
 * Checks the chain of signatures of one body: each chunk signs the one before it, the trailer the last. So chunks can be neither
 * changed nor left out, repeated or put in another order.
 */
export class ChunkSignatures {
  readonly #context: SigningContext;
  #previous: string;
  #hash: Hash | null = null;
  #wholeSha256: string | null = null;

  constructor(context: SigningContext) {
    this.#context = context;
    this.#previous = context.seedSignature;
  }

  /** The next bytes of the current chunk; `chunkBytes`: the size of that chunk. */
  update(slice: Buffer, chunkBytes: number): void {
    if (slice.length === chunkBytes) {
      this.#wholeSha256 = hash("sha256", slice, "hex");
      return;
    }
    this.#hash ??= createHash("sha256");
    this.#hash.update(slice);
  }

  /** Ends the current chunk. Throws SignatureDoesNotMatch. */
  checkChunk(signature: string): void {
    const sha256 = this.#wholeSha256 ?? this.#hash?.digest("hex") ?? emptySha256;
    this.#wholeSha256 = null;
    this.#hash = null;
    this.#check("AWS4-HMAC-SHA256-PAYLOAD", `${emptySha256}\n${sha256}`, signature);
  }

  /** `fields`: all but the signature itself, in the order sent. Throws SignatureDoesNotMatch. */
  checkTrailer(fields: readonly TrailerField[], signature: string): void {
    const text = fields.map((field) => `${field.name}:${field.value}\n`).join("");
    this.#check("AWS4-HMAC-SHA256-TRAILER", sha256OfLatin1(text), signature);
  }

  #check(algorithm: string, digests: string, signature: string): void {
    const { amzDate, scope, signingKey, accessKey } = this.#context;
    const stringToSign = `${algorithm}\n${amzDate}\n${scope}\n${this.#previous}\n${digests}`;
    if (!isSignature(signingKey, stringToSign, signature)) {
      throw new S3Error("SignatureDoesNotMatch", {
        AWSAccessKeyId: accessKey,
        StringToSign: stringToSign,
        SignatureProvided: signature,
      });
    }
    this.#previous = signature;
  }
}
