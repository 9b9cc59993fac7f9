import { HeaderIndex } from "../addressing/header-index.ts";
import { utf8AsLatin1 } from "../addressing/percent.ts";
import type { Query } from "../addressing/query.ts";
import { S3Error } from "../errors/s3-error.ts";

/** The parameters that make a query a signature. Names are exact, as AWS's are. */
export const presignParameters = [
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "X-Amz-Date",
  "X-Amz-Expires",
  "X-Amz-SignedHeaders",
  "X-Amz-Signature",
] as const;
const presignNames: ReadonlySet<string> = new Set(presignParameters);

/** Whether a query claims to be signed: one of its parameters is enough, so that none can be left out to slip by. */
export function isPresignedQuery(query: Query): boolean {
  return query.entries.some((entry) => presignNames.has(entry.name));
}

/**
 * The headers as sent, plus every x-amz-* parameter of the query that no header of that name overrides: SDKs move headers into
 * presigned URLs. Checksum values are left out, because the JavaScript SDK signs the CRC32 of an empty body. Throws InvalidArgument on
 * what no header could hold: a metadata value with a line break in it would otherwise come back as a header of its own.
 */
export function hoistPresignedHeaders(wireHeaders: HeaderIndex, query: Query): HeaderIndex {
  const raw = wireHeaders.toRawHeaders();
  for (const entry of query.entries) {
    if (presignNames.has(entry.name)) continue;
    const name = entry.name.toLowerCase();
    if (!name.startsWith("x-amz-") || isChecksumValue(name) || wireHeaders.has(name)) continue;
    if (!headerName.test(name) || notInHeaders.test(entry.value)) {
      throw new S3Error(
        "InvalidArgument",
        { ArgumentName: entry.name, ArgumentValue: entry.value },
        "This value cannot be that of a header.",
      );
    }
    raw.push(name, utf8AsLatin1(entry.value));
  }
  return new HeaderIndex(raw);
}

const headerName = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
// oxlint-disable-next-line no-control-regex
const notInHeaders = /[\u0000-\u0008\u000a-\u001f\u007f]/;

const checksumSettings: readonly string[] = ["x-amz-checksum-mode", "x-amz-checksum-algorithm", "x-amz-checksum-type"];

function isChecksumValue(name: string): boolean {
  if (name === "x-amz-sdk-checksum-algorithm") return true;
  return name.startsWith("x-amz-checksum-") && !checksumSettings.includes(name);
}
