import { S3Error } from "../errors/s3-error.ts";
import type { ChunkSignatures } from "./chunk-signatures.ts";
import type { Trailer, TrailerField } from "./payload-decoder.ts";

/** A checksum line and a signature line take some 200 bytes. */
export const trailerBytesMax = 4096;

const trailerSignatureName = "x-amz-trailer-signature";

/**
 * Reads what follows the last chunk, up to and including the last empty line. `text`: one char per byte. minio-go ends a field with a bare
 * line feed and puts an empty line between fields and signature, so empty lines mean nothing. Throws MalformedTrailerError.
 */
export function parseTrailer(text: string): TrailerField[] {
  if (text !== "\r\n" && !text.endsWith("\r\n\r\n"))
    throw malformedTrailer("The trailer does not end with an empty line.");
  const fields: TrailerField[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line === "\r") continue;
    const colon = line.indexOf(":");
    if (colon <= 0) throw malformedTrailer("The trailer has a line that is not a field.");
    fields.push({ name: line.slice(0, colon).toLowerCase(), value: line.slice(colon + 1).trim() });
  }
  return fields;
}

/**
 * Compares a trailer with what was announced and, when chunks are signed, with its signature.
 * Throws MalformedTrailerError, SignatureDoesNotMatch.
 */
export function checkTrailer(
  fields: readonly TrailerField[],
  announced: readonly string[],
  signatures: ChunkSignatures | null,
): Trailer {
  const own = signatures === null ? fields : fields.filter((field) => field.name !== trailerSignatureName);
  if (signatures !== null) {
    const found = fields.filter((field) => field.name === trailerSignatureName);
    if (found.length !== 1) throw malformedTrailer("The trailer needs one x-amz-trailer-signature.");
    signatures.checkTrailer(own, found[0]!.value);
  }
  const names = own.map((field) => field.name);
  const isAsAnnounced = names.length === announced.length && announced.every((name) => names.includes(name));
  if (!isAsAnnounced) {
    throw malformedTrailer(
      `x-amz-trailer announced "${announced.join(", ")}", and the trailer has "${names.join(", ")}".`,
    );
  }
  return own;
}

export function malformedTrailer(message: string): S3Error {
  return new S3Error("MalformedTrailerError", {}, message);
}
