/** `accessKey/yyyymmdd/region/service/aws4_request`, as a client sent it. */
export interface CredentialScope {
  readonly accessKey: string;
  /** yyyymmdd */
  readonly day: string;
  readonly region: string;
  readonly service: string;
  /** What follows the access key: part of every string to sign. */
  readonly scope: string;
  /** As sent, whole: names the signing key. */
  readonly text: string;
}

/** Bounds the cache of signing keys: AWS's longest region name has 15 characters. */
const regionLengthMax = 64;

/** null when it has not five parts of the right form. The access key may hold slashes; the region may be anything. */
export function parseCredential(text: string): CredentialScope | null {
  const beforeTerminator = text.lastIndexOf("/");
  const beforeService = text.lastIndexOf("/", beforeTerminator - 1);
  const beforeRegion = text.lastIndexOf("/", beforeService - 1);
  const beforeDay = text.lastIndexOf("/", beforeRegion - 1);
  // Each search goes on from the one before: a missing slash would find the same place again, or none.
  if (!(0 < beforeDay && beforeDay < beforeRegion && beforeRegion < beforeService && beforeService < beforeTerminator))
    return null;
  const day = text.slice(beforeDay + 1, beforeRegion);
  const region = text.slice(beforeRegion + 1, beforeService);
  if (text.slice(beforeTerminator + 1) !== "aws4_request" || !isDay(day) || region.length > regionLengthMax)
    return null;
  return {
    accessKey: text.slice(0, beforeDay),
    day,
    region,
    service: text.slice(beforeService + 1, beforeTerminator),
    scope: text.slice(beforeDay + 1),
    text,
  };
}

function isDay(text: string): boolean {
  if (text.length !== 8) return false;
  for (let i = 0; i < 8; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}
