import {
  checkDocumentDigests,
  checkDocumentIsProtected,
  HeaderIndex,
  parseExpectedDigests,
  type Trailer,
} from "@kakera/s3";
import type { Call } from "../call.ts";
import { readWhole } from "./read-whole.ts";

/**
 * - `optional`: Content-MD5 and checksum are compared where they are given.
 * - `needed`: a document that nothing protects against damage on its way is refused (DeleteObjects).
 * - `of-object`: x-amz-checksum-* speaks of the object, not of the document (CompleteMultipartUpload).
 */
export type DocumentProtection = "optional" | "needed" | "of-object";

/** The XML document in a request's body, whole and proved: length, signature, Content-MD5 and checksum. Throws S3Error; nothing was done. */
export async function readDocument(
  call: Call,
  bytesMax: number,
  protection: DocumentProtection = "optional",
): Promise<Buffer> {
  const plan = call.body.plan();
  const headers = protection === "of-object" ? withoutChecksums(call.request.headers) : call.request.headers;
  const expected = parseExpectedDigests(headers, plan.trailerNames);
  if (protection === "needed") checkDocumentIsProtected(expected, call.body.mode);
  let trailer: Trailer = [];
  const source = call.body.open(plan, { update: () => {}, end: (own) => (trailer = own) });
  const document = await readWhole(source, bytesMax);
  checkDocumentDigests(document, expected, trailer);
  return document;
}

function withoutChecksums(headers: HeaderIndex): HeaderIndex {
  const kept: string[] = [];
  for (let i = 0; i < headers.count; i++) {
    const name = headers.nameAt(i);
    if (!name.startsWith("x-amz-checksum-") && name !== "x-amz-sdk-checksum-algorithm")
      kept.push(name, headers.valueAt(i));
  }
  return new HeaderIndex(kept);
}

/** As `readDocument`; empty when the request has no body. */
export function readOptionalDocument(call: Call, bytesMax: number): Promise<Buffer> {
  return call.body.isAnnounced ? readDocument(call, bytesMax) : Promise.resolve(Buffer.alloc(0));
}
