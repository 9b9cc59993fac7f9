/** `accessKey/yyyymmdd/region/service/aws4_request`, as a client sent it. */
export interface CredentialScope {
  readonly accessKey: string;
  /** yyyymmdd */
  readonly day: string;
  readonly region: string;
  readonly service: string;
  /** What follows the access key: part of every string to sign. */
  readonly scope: string;
}

/** Bounds the cache of signing keys: AWS's longest region name has 15 characters. */
const regionLengthMax = 64;

/** null when it has not five parts of the right form. The access key may hold slashes; the region may be anything. */
export function parseCredential(text: string): CredentialScope | null {
  const parts = text.split("/");
  if (parts.length < 5 || parts.at(-1) !== "aws4_request") return null;
  const [day, region, service] = parts.slice(-4, -1) as [string, string, string];
  const accessKey = parts.slice(0, -4).join("/");
  if (accessKey === "" || !/^\d{8}$/.test(day) || region.length > regionLengthMax) return null;
  return { accessKey, day, region, service, scope: text.slice(accessKey.length + 1) };
}
