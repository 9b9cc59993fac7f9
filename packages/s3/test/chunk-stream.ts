import { createHash } from "node:crypto";
import {
  createPayloadDecoder,
  type BodyPlan,
  type PayloadMode,
  type SigningContext,
  type Trailer,
} from "../src/index.ts";
import { deriveSigningKey } from "../src/signature/signing-keys.ts";
import { parseCredential } from "../src/signature/credential-scope.ts";
import { exampleAccessKey, exampleAmzDate, exampleSecret, hmac, signingKey } from "./make-request.ts";

export const exampleScope = "20130524/us-east-1/s3/aws4_request";

/** The signing context of a head that AWS's example key signed. */
export function exampleContext(seedSignature: string): SigningContext {
  const credential = parseCredential(`${exampleAccessKey}/${exampleScope}`)!;
  return {
    accessKey: exampleAccessKey,
    signingKey: deriveSigningKey(credential, exampleSecret),
    amzDate: exampleAmzDate,
    scope: exampleScope,
    seedSignature,
  };
}

export interface StreamInput {
  readonly mode: "signed" | "signed-trailer" | "unsigned-trailer";
  readonly chunks: readonly Buffer[];
  readonly trailer?: readonly (readonly [name: string, value: string])[];
  readonly seedSignature?: string;
}

/** An aws-chunked body, written from AWS's description and apart from the code under test. */
export function encodeStream(input: StreamInput): Buffer {
  const { seedSignature = "5".repeat(64), trailer = [] } = input;
  const key = signingKey(exampleSecret, exampleScope);
  const sha256 = (data: Buffer | string): string => createHash("sha256").update(data).digest("hex");
  let previous = seedSignature;
  const sign = (algorithm: string, digests: string): string => {
    previous = hmac(key, `${algorithm}\n${exampleAmzDate}\n${exampleScope}\n${previous}\n${digests}`).toString("hex");
    return previous;
  };
  const pieces: Buffer[] = [];
  const isSigned = input.mode !== "unsigned-trailer";
  for (const chunk of [...input.chunks, Buffer.alloc(0)]) {
    const signature = isSigned
      ? `;chunk-signature=${sign("AWS4-HMAC-SHA256-PAYLOAD", `${sha256("")}\n${sha256(chunk)}`)}`
      : "";
    pieces.push(Buffer.from(`${chunk.length.toString(16)}${signature}\r\n`), chunk);
    if (chunk.length > 0) pieces.push(Buffer.from("\r\n"));
  }
  for (const [name, value] of trailer) pieces.push(Buffer.from(`${name}:${value}\r\n`));
  if (input.mode === "signed-trailer") {
    const text = trailer.map(([name, value]) => `${name}:${value}\n`).join("");
    pieces.push(Buffer.from(`x-amz-trailer-signature:${sign("AWS4-HMAC-SHA256-TRAILER", sha256(text))}\r\n`));
  }
  return Buffer.concat([...pieces, Buffer.from("\r\n")]);
}

export interface Decoded {
  readonly body: Buffer;
  readonly trailer: Trailer;
}

export interface DecodeInput {
  readonly mode: PayloadMode["kind"];
  readonly lengthBytes: number | null;
  readonly trailerNames?: readonly string[];
  readonly sha256?: string;
  readonly seedSignature?: string;
  /** Positions at which the input is cut. */
  readonly cuts?: readonly number[];
}

export function decodeStream(stream: Buffer, input: DecodeInput): Decoded {
  const { seedSignature = "5".repeat(64), trailerNames = [], cuts = [] } = input;
  const mode: PayloadMode =
    input.mode === "literal" ? { kind: "literal", sha256: input.sha256! } : { kind: input.mode };
  const plan: BodyPlan = { mode, lengthBytes: input.lengthBytes, trailerNames };
  const decoder = createPayloadDecoder(plan, exampleContext(seedSignature));
  const slices: Buffer[] = [];
  let start = 0;
  for (const cut of [...cuts.toSorted((a, b) => a - b), stream.length]) {
    // A fresh copy for each input, as a socket's buffers are not neighbours.
    decoder.push(Buffer.from(stream.subarray(start, cut)), (slice) => slices.push(slice));
    start = cut;
  }
  return { trailer: decoder.end(), body: Buffer.concat(slices) };
}
