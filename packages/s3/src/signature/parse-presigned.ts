import { DAY_MS, SECOND_MS } from "@kakera/kernel";
import type { Query } from "../addressing/query.ts";
import { formatIso, parseAmzDate } from "../dates.ts";
import { S3Error } from "../errors/s3-error.ts";
import { parseCredential } from "./credential-scope.ts";
import { algorithm, type SignatureClaim } from "./parse-authorization.ts";
import { presignParameters } from "./presigned-query.ts";
import { clockSkewMsMax } from "./request-time.ts";

export interface PresignedClaim extends SignatureClaim {
  readonly signedAtMs: number;
  readonly expiresSeconds: number;
}

const expiresSecondsMax = (7 * DAY_MS) / SECOND_MS;

/** Reads the six X-Amz-* parameters. Throws AuthorizationQueryParametersError. */
export function parsePresigned(query: Query): PresignedClaim {
  for (const name of presignParameters) {
    // A second X-Amz-Expires could mean one thing to a proxy and another to us.
    if (query.countOf(name) !== 1 || query.get(name) === "") throw new S3Error("AuthorizationQueryParametersError", {});
  }
  const [algorithmName, credentialText, dateText, expiresText, signedHeadersText, signature] = presignParameters.map(
    (name) => query.get(name)!,
  ) as [string, string, string, string, string, string];
  if (algorithmName !== algorithm) throw refused(`X-Amz-Algorithm only supports "${algorithm}"`);
  const credential = parseCredential(credentialText);
  if (credential === null) {
    throw refused(
      'Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  if (credential.service !== "s3") {
    throw refused(
      `Error parsing the X-Amz-Credential parameter; incorrect service "${credential.service}". This endpoint belongs to "s3".`,
    );
  }
  const signedAtMs = parseAmzDate(dateText);
  if (signedAtMs === null) throw refused("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  if (dateText.slice(0, 8) !== credential.day) {
    throw refused(
      `Invalid credential date "${credential.day}". This date is not the same as X-Amz-Date: "${dateText.slice(0, 8)}".`,
    );
  }
  return {
    credential,
    signedHeaders: signedHeadersText.toLowerCase().split(";"),
    signedHeadersText,
    signature,
    signedAtMs,
    expiresSeconds: readExpires(expiresText),
  };
}

function readExpires(text: string): number {
  if (/^-\d+$/.test(text)) throw refused("X-Amz-Expires must be non-negative");
  if (!/^\d+$/.test(text)) throw refused("X-Amz-Expires should be a number");
  const seconds = Number(text);
  if (seconds > expiresSecondsMax) {
    throw refused(
      "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
    );
  }
  return seconds;
}

/** Throws AccessDenied before and after the time in which the URL is good. */
export function checkPresignedTime(claim: PresignedClaim, nowMs: number): void {
  if (claim.signedAtMs > nowMs + clockSkewMsMax) {
    throw new S3Error("AccessDenied", { ServerTime: formatIso(nowMs) }, "Request is not yet valid");
  }
  const expiresAtMs = claim.signedAtMs + claim.expiresSeconds * SECOND_MS;
  if (nowMs > expiresAtMs) {
    throw new S3Error(
      "AccessDenied",
      {
        "X-Amz-Expires": claim.expiresSeconds,
        Expires: formatIso(Math.max(0, expiresAtMs)),
        ServerTime: formatIso(nowMs),
      },
      "Request has expired",
    );
  }
}

function refused(message: string): S3Error {
  return new S3Error("AuthorizationQueryParametersError", {}, message);
}
