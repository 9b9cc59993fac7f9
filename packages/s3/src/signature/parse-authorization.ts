import { S3Error } from "../errors/s3-error.ts";
import { parseCredential, type CredentialScope } from "./credential-scope.ts";

export const algorithm = "AWS4-HMAC-SHA256";

/** What a client claims in its Authorization header or presigned query. */
export interface SignatureClaim {
  readonly credential: CredentialScope;
  /** Lower-case names in the order given. */
  readonly signedHeaders: readonly string[];
  /** The list as sent: part of the canonical request. */
  readonly signedHeadersText: string;
  /** Hex, as sent. */
  readonly signature: string;
}

/**
 * Reads `AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...`; minio-go sends no spaces after the commas.
 * Throws InvalidRequest (SigV2), InvalidArgument (another scheme), AuthorizationHeaderMalformed.
 */
export function parseAuthorization(header: string): SignatureClaim {
  const signatureAt = header.lastIndexOf(signaturePart) + signaturePart.length;
  const signature = header.slice(signatureAt);
  const before = header.slice(0, signatureAt);
  // Anything unusual (another order, spaces at the end) takes the long way each time.
  if (signature.length !== signatureLength || signature.includes(",")) return readClaim(header);
  const known = claims.get(before);
  if (known !== undefined) return { ...known, signature };
  const claim = readClaim(header);
  if (claim.signature !== signature) return claim;
  if (claims.size >= claimsMax) claims.clear();
  claims.set(before, claim);
  return claim;
}

const signaturePart = "Signature=";
const signatureLength = 64;
const claimsMax = 1000;
/** What was read of headers up to their signature: a client sends the same for a day. Pure, so it is shared by all. */
const claims = new Map<string, SignatureClaim>();

function readClaim(header: string): SignatureClaim {
  const space = header.indexOf(" ");
  const scheme = space < 0 ? header : header.slice(0, space);
  if (scheme === "AWS") throw signatureVersion2Refused();
  if (scheme !== algorithm) {
    throw new S3Error(
      "InvalidArgument",
      { ArgumentName: "Authorization", ArgumentValue: scheme },
      "Unsupported Authorization Type",
    );
  }
  const parts = readParts(header.slice(scheme.length));
  const credential = parseCredential(required(parts.credential, "Credential"));
  const signedHeadersText = required(parts.signedHeaders, "SignedHeaders");
  const signature = required(parts.signature, "Signature");
  if (credential === null) {
    throw malformed('the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".');
  }
  if (credential.service !== "s3") {
    throw malformed(`incorrect service "${credential.service}". This endpoint belongs to "s3".`);
  }
  return { credential, signedHeaders: signedHeadersText.toLowerCase().split(";"), signedHeadersText, signature };
}

export function signatureVersion2Refused(): S3Error {
  return new S3Error(
    "InvalidRequest",
    {},
    `The authorization mechanism you have provided is not supported. Please use ${algorithm}.`,
  );
}

export function malformed(why: string): S3Error {
  return new S3Error("AuthorizationHeaderMalformed", {}, `The authorization header is malformed; ${why}`);
}

interface AuthorizationParts {
  credential: string | null;
  signedHeaders: string | null;
  signature: string | null;
}

function readParts(text: string): AuthorizationParts {
  const parts: AuthorizationParts = { credential: null, signedHeaders: null, signature: null };
  for (let start = 0; start <= text.length;) {
    const comma = text.indexOf(",", start);
    const end = comma < 0 ? text.length : comma;
    const part = text.slice(start, end).trim();
    start = end + 1;
    const equals = part.indexOf("=");
    const value = part.slice(equals + 1);
    switch (part.slice(0, Math.max(equals, 0))) {
      case "Credential":
        parts.credential = value;
        break;
      case "SignedHeaders":
        parts.signedHeaders = value;
        break;
      case "Signature":
        parts.signature = value;
        break;
      default:
        throw malformed("it has a part that is none of Credential, SignedHeaders and Signature.");
    }
  }
  return parts;
}

function required(value: string | null, name: string): string {
  if (value === null || value === "") throw malformed(`missing ${name}.`);
  return value;
}
