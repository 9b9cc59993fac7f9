import { utf8AsLatin1 } from "./addressing/percent.ts";
import type { Query } from "./addressing/query.ts";
import { S3Error } from "./errors/s3-error.ts";
import type { SystemHeaders } from "./metadata-headers.ts";

const parameters = {
  "response-content-type": "contentType",
  "response-content-encoding": "contentEncoding",
  "response-content-disposition": "contentDisposition",
  "response-content-language": "contentLanguage",
  "response-cache-control": "cacheControl",
  "response-expires": "expires",
} as const satisfies Readonly<Record<string, keyof SystemHeaders>>;

// oxlint-disable-next-line no-control-regex
const controlCharacter = /[\u0000-\u001f\u007f]/;

/**
 * The headers of a GET or HEAD with the response-* parameters of its query in place of the stored ones. Throws InvalidRequest when
 * the request is anonymous, InvalidArgument on a value that could end its header line and begin another.
 */
export function overrideHeaders(stored: SystemHeaders, query: Query, sender: "signed" | "anonymous"): SystemHeaders {
  const overrides: { -readonly [K in keyof SystemHeaders]?: string } = {};
  for (const { name, value } of query.entries) {
    if (!Object.hasOwn(parameters, name)) continue;
    if (sender === "anonymous") {
      throw new S3Error(
        "InvalidRequest",
        {},
        "Request specific response headers cannot be used for anonymous GET requests.",
      );
    }
    if (controlCharacter.test(value)) {
      throw new S3Error(
        "InvalidArgument",
        { ArgumentName: name, ArgumentValue: value },
        "Header value cannot be represented.",
      );
    }
    overrides[parameters[name as keyof typeof parameters]] = utf8AsLatin1(value);
  }
  return { ...stored, ...overrides };
}
