import { checkDocumentDigests, checkDocumentIsProtected, parseExpectedDigests, type Trailer } from "@kakera/s3";
import type { Call } from "../call.ts";
import { readWhole } from "./read-whole.ts";

/**
 * The XML document in a request's body, whole and proved: length, signature, Content-MD5 and checksum. Throws S3Error; nothing was done.
 * `protection`: `needed` refuses a document that nothing protects against damage on its way (DeleteObjects).
 */
export async function readDocument(
  call: Call,
  bytesMax: number,
  protection: "needed" | "optional" = "optional",
): Promise<Buffer> {
  const plan = call.body.plan();
  const expected = parseExpectedDigests(call.request.headers, plan.trailerNames);
  if (protection === "needed") checkDocumentIsProtected(expected, call.body.mode);
  let trailer: Trailer = [];
  const source = call.body.open(plan, { update: () => {}, end: (own) => (trailer = own) });
  const document = await readWhole(source, bytesMax);
  checkDocumentDigests(document, expected, trailer);
  return document;
}

/** As `readDocument`; empty when the request has no body. */
export function readOptionalDocument(call: Call, bytesMax: number): Promise<Buffer> {
  return call.body.isAnnounced ? readDocument(call, bytesMax) : Promise.resolve(Buffer.alloc(0));
}
