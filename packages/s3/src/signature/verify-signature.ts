import type { HeaderIndex } from "../addressing/header-index.ts";
import type { S3Request } from "../addressing/parse-request.ts";
import { formatAmzDate } from "../dates.ts";
import { latin1AsUtf8 } from "../addressing/percent.ts";
import { S3Error } from "../errors/s3-error.ts";
import { parsePayloadMode, unsignedPayload, type PayloadMode } from "../payload/payload-mode.ts";
import {
  canonicalQuery,
  canonicalRequest,
  normalisedQuery,
  queryInOrder,
  type CanonicalParts,
} from "./canonical-request.ts";
import {
  algorithm,
  malformed,
  parseAuthorization,
  signatureVersion2Refused,
  type SignatureClaim,
} from "./parse-authorization.ts";
import { checkPresignedTime, parsePresigned } from "./parse-presigned.ts";
import { isPresignedQuery } from "./presigned-query.ts";
import { checkClockSkew, readRequestTime } from "./request-time.ts";
import { isSignature, sha256OfLatin1 } from "./signature-hashes.ts";
import type { SigningKey } from "./signing-key.ts";
import type { SigningKeys } from "./signing-keys.ts";

/** What the signatures of chunks and trailer are made with. */
export interface SigningContext {
  readonly accessKey: string;
  readonly signingKey: SigningKey;
  /** yyyymmddThhmmssZ */
  readonly amzDate: string;
  /** yyyymmdd/region/s3/aws4_request */
  readonly scope: string;
  /** The signature of the head, hex: the first chunk signs it. */
  readonly seedSignature: string;
}

/** Who sent a request, as far as it proves it. */
export type Authentication =
  | { readonly kind: "anonymous"; readonly payloadMode: PayloadMode }
  | {
      readonly kind: "signed";
      readonly accessKey: string;
      /** As the client signed: any region is accepted. */
      readonly region: string;
      readonly isPresigned: boolean;
      readonly payloadMode: PayloadMode;
      readonly signingContext: SigningContext;
    };

export interface SignatureVerifier {
  readonly signingKeys: SigningKeys;
  /** The secret of an access key, or null when there is no such key. */
  lookupSecret(accessKey: string): string | null;
}

/**
 * Proves who signed the head of a request (AWS Signature Version 4, header or query), before anything else is looked at.
 * Throws the S3Error that AWS would answer. A request without any signature is anonymous.
 */
export function verifySignature(request: S3Request, verifier: SignatureVerifier, nowMs: number): Authentication {
  const authorization = request.wireHeaders.first("authorization") ?? "";
  const isPresigned = isPresignedQuery(request.query);
  if (authorization !== "") {
    if (isPresigned || request.query.has("Signature")) throw twoMechanisms();
    return verifyHeader(request, parseAuthorization(authorization), { verifier, nowMs });
  }
  if (isPresigned) return verifyPresigned(request, { verifier, nowMs });
  if (request.query.has("Signature") && request.query.has("AWSAccessKeyId")) throw signatureVersion2Refused();
  return { kind: "anonymous", payloadMode: anonymousPayloadMode(request.headers) };
}

function twoMechanisms(): S3Error {
  return new S3Error(
    "InvalidArgument",
    { ArgumentName: "Authorization", ArgumentValue: "" },
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
  );
}

function anonymousPayloadMode(headers: HeaderIndex): PayloadMode {
  const value = headers.first("x-amz-content-sha256");
  const mode = value === null ? unsignedPayload : parsePayloadMode(value);
  if (mode.kind === "streaming-signed" || mode.kind === "streaming-signed-trailer") {
    throw new S3Error("InvalidRequest", {}, "Signed chunks need a signed request.");
  }
  return mode;
}

interface VerifierAt {
  readonly verifier: SignatureVerifier;
  readonly nowMs: number;
}

function verifyHeader(request: S3Request, claim: SignatureClaim, at: VerifierAt): Authentication {
  const signedAtMs = readRequestTime(request.wireHeaders, at.nowMs);
  checkClockSkew(signedAtMs, at.nowMs);
  const amzDate = formatAmzDate(signedAtMs);
  if (!amzDate.startsWith(claim.credential.day)) {
    throw malformed(
      `Invalid credential date "${claim.credential.day}". This date is not the same as X-Amz-Date: "${amzDate.slice(0, 8)}".`,
    );
  }
  const payloadHash = request.wireHeaders.first("x-amz-content-sha256");
  if (payloadHash === null) {
    throw new S3Error("InvalidRequest", {}, "Missing required header for this request: x-amz-content-sha256");
  }
  const payloadMode = parsePayloadMode(payloadHash);
  const signingContext = checkClaim(request, { claim, amzDate, payloadHash }, at.verifier);
  return {
    kind: "signed",
    accessKey: claim.credential.accessKey,
    region: claim.credential.region,
    isPresigned: false,
    payloadMode,
    signingContext,
  };
}

function verifyPresigned(request: S3Request, at: VerifierAt): Authentication {
  const claim = parsePresigned(request.query);
  checkPresignedTime(claim, at.nowMs);
  const payloadHash = request.headers.first("x-amz-content-sha256") ?? "UNSIGNED-PAYLOAD";
  const payloadMode = parsePayloadMode(payloadHash);
  const amzDate = formatAmzDate(claim.signedAtMs);
  const signingContext = checkClaim(request, { claim, amzDate, payloadHash }, at.verifier);
  return {
    kind: "signed",
    accessKey: claim.credential.accessKey,
    region: claim.credential.region,
    isPresigned: true,
    payloadMode,
    signingContext,
  };
}

interface DatedClaim {
  readonly claim: SignatureClaim;
  readonly amzDate: string;
  readonly payloadHash: string;
}

function checkClaim(request: S3Request, dated: DatedClaim, verifier: SignatureVerifier): SigningContext {
  const { claim, amzDate, payloadHash } = dated;
  checkSignedHeaders(request.wireHeaders, claim.signedHeaders);
  const { accessKey, scope } = claim.credential;
  const secret = verifier.lookupSecret(accessKey);
  if (secret === null) throw new S3Error("InvalidAccessKeyId", { AWSAccessKeyId: accessKey });
  const signingKey = verifier.signingKeys.find(claim.credential, secret);
  const parts: CanonicalParts = {
    method: request.method,
    rawPath: request.rawPath,
    query: canonicalQuery(request.query),
    headers: request.wireHeaders,
    host: request.wireHeaders.first("host") ?? "",
    signedHeaders: claim.signedHeaders,
    signedHeadersText: claim.signedHeadersText,
    payloadHash,
  };
  const signer = { signingKey, prefix: `${algorithm}\n${amzDate}\n${scope}\n`, signature: claim.signature };
  const attempt = sign(parts, signer);
  if (!attempt.isRight && !alternatives(request, parts).some((other) => sign(other, signer).isRight)) {
    throw doesNotMatch({
      accessKey,
      signature: claim.signature,
      stringToSign: attempt.stringToSign,
      canonical: attempt.canonical,
    });
  }
  checkSessionToken(request.headers);
  verifier.signingKeys.keep(claim.credential, secret, signingKey);
  return { accessKey, signingKey, amzDate, scope, seedSignature: claim.signature };
}

interface Signer {
  readonly signingKey: SigningKey;
  readonly prefix: string;
  readonly signature: string;
}

function sign(parts: CanonicalParts, signer: Signer): { isRight: boolean; canonical: string; stringToSign: string } {
  const canonical = canonicalRequest(parts);
  const stringToSign = signer.prefix + sha256OfLatin1(canonical);
  return { isRight: isSignature(signer.signingKey, stringToSign, signer.signature), canonical, stringToSign };
}

/**
 * What a client may have signed when it sent something that means the same: a query encoded by AWS's rules, or with a repeated
 * name's values in the order sent; a Host without its default port.
 */
function alternatives(request: S3Request, parts: CanonicalParts): CanonicalParts[] {
  const defaultPort = request.isTls ? ":443" : ":80";
  const host = parts.host.endsWith(defaultPort) ? parts.host.slice(0, -defaultPort.length) : parts.host;
  const normalised = normalisedQuery(request.query);
  const inOrder = queryInOrder(request.query);
  const queries = normalised === inOrder ? [normalised] : [normalised, inOrder];
  const others = queries.map((query) => ({ ...parts, query, host }));
  return others.filter((other) => other.query !== parts.query || other.host !== parts.host);
}

/** AWS asks that the host and every x-amz-* header be signed: an added x-amz-acl would otherwise change what was signed. */
function checkSignedHeaders(headers: HeaderIndex, signedHeaders: readonly string[]): void {
  const missing: string[] = signedHeaders.includes("host") ? [] : ["host"];
  for (let i = 0; i < headers.count; i++) {
    const name = headers.nameAt(i);
    if (name.startsWith("x-amz-") && !signedHeaders.includes(name) && !missing.includes(name)) missing.push(name);
  }
  if (missing.length > 0) {
    throw new S3Error(
      "AccessDenied",
      { HeadersNotSigned: missing.join(", ") },
      "There were headers present in the request which were not signed",
    );
  }
}

/** We give out no session tokens, so one that is sent is never ours. */
function checkSessionToken(headers: HeaderIndex): void {
  if ((headers.first("x-amz-security-token") ?? "") !== "") throw new S3Error("InvalidToken", {});
}

interface Mismatch {
  readonly accessKey: string;
  readonly signature: string;
  readonly stringToSign: string;
  readonly canonical: string;
}

function doesNotMatch(mismatch: Mismatch): S3Error {
  return new S3Error("SignatureDoesNotMatch", {
    AWSAccessKeyId: mismatch.accessKey,
    StringToSign: mismatch.stringToSign,
    SignatureProvided: mismatch.signature,
    StringToSignBytes: spacedHex(mismatch.stringToSign),
    CanonicalRequest: latin1AsUtf8(mismatch.canonical),
    CanonicalRequestBytes: spacedHex(mismatch.canonical),
  });
}

function spacedHex(text: string): string {
  return Buffer.from(text, "latin1")
    .toString("hex")
    .replace(/..(?!$)/g, "$& ");
}
