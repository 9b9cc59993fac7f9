import type { EndedRequest } from "@kakera/gateway";

/** Which requests one who watches wants to see. null: any. */
export interface TraceFilter {
  readonly bucket: string | null;
  /** Keys that begin so. */
  readonly prefix: string | null;
  /** S3's name of an operation, in any case; also Admin, Health and Metrics, which are shown on request only. */
  readonly operation: string | null;
  /** A status ("404"), a hundred of them ("5xx"), or an S3 error code. */
  readonly status: string | null;
  /** `errors`: only what was answered with 400 or above, or not at all. */
  readonly outcome: "all" | "errors";
  readonly slowerThanMs: number;
}

const notS3 = new Set(["Admin", "Health", "Metrics"]);

/** What is missing or of another type matches everything. */
export function filterIn(body: unknown): TraceFilter {
  const given = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const text = (name: string): string | null => {
    const value = given[name];
    return typeof value === "string" && value !== "" ? value : null;
  };
  const slowerThanMs = Number(given["slowerThanMs"] ?? 0);
  return {
    bucket: text("bucket"),
    prefix: text("prefix"),
    operation: text("operation"),
    status: text("status"),
    outcome: given["outcome"] === "errors" ? "errors" : "all",
    slowerThanMs: Number.isFinite(slowerThanMs) ? slowerThanMs : 0,
  };
}

export function matchesTrace(request: EndedRequest, filter: TraceFilter): boolean {
  if (filter.operation === null ? notS3.has(request.operation) : !isSameWord(request.operation, filter.operation))
    return false;
  if (request.durationMs < filter.slowerThanMs) return false;
  if (filter.outcome === "errors" && request.statusCode !== null && request.statusCode < 400) return false;
  if (filter.status !== null && !matchesStatus(request, filter.status)) return false;
  if (filter.bucket === null) return true;
  const { bucket, key } = splitResource(request.resource);
  return bucket === filter.bucket && (filter.prefix === null || (key ?? "").startsWith(filter.prefix));
}

/** "/b/a/k" -> b and a/k. null: there is none. */
export function splitResource(resource: string): { readonly bucket: string | null; readonly key: string | null } {
  const [, bucket = "", key] = /^\/([^/]*)(?:\/(.*))?$/s.exec(resource) ?? [];
  return { bucket: bucket === "" ? null : bucket, key: key === undefined || key === "" ? null : key };
}

function matchesStatus({ statusCode, code }: EndedRequest, wanted: string): boolean {
  const hundred = /^([1-5])xx$/i.exec(wanted)?.[1];
  if (hundred !== undefined) return statusCode !== null && String(statusCode).startsWith(hundred);
  return String(statusCode) === wanted || isSameWord(code, wanted);
}

function isSameWord(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
