import { xmlDeclaration } from "../xml/document.ts";
import { escapeXml } from "../xml/escape.ts";
import type { S3Error } from "./s3-error.ts";

export interface ErrorContext {
  /** What was asked for, e.g. "/bucket/key". */
  readonly resource: string;
  /** The same as x-amz-request-id. */
  readonly requestId: string;
  /** The same as x-amz-id-2. */
  readonly hostId: string;
}

/** The body of an error answer. Not for HEAD and 304, which have none. */
export function renderErrorXml(error: S3Error, context: ErrorContext): string {
  let xml = `${xmlDeclaration}<Error><Code>${error.code}</Code><Message>${escapeXml(error.message)}</Message>`;
  for (const name in error.detail) xml += `<${name}>${escapeXml(String(error.detail[name]))}</${name}>`;
  return `${xml}<Resource>${escapeXml(context.resource)}</Resource><RequestId>${context.requestId}</RequestId><HostId>${escapeXml(context.hostId)}</HostId></Error>`;
}

/** Headers that an error answer carries beside those of every answer: flat name, value pairs. */
export function errorHeaders(error: S3Error): string[] {
  const headers: string[] = [];
  if (error.retryAfterSeconds !== null) headers.push("Retry-After", String(error.retryAfterSeconds));
  if (error.code === "InvalidRange") headers.push("Content-Range", `bytes */${error.detail["ActualObjectSize"]}`);
  return headers;
}

/** A HEAD answer has no body: minio-go and mc read code and message from these. Flat name, value pairs. */
export function headErrorHeaders(error: S3Error): string[] {
  return ["x-minio-error-code", error.code, "x-minio-error-desc", JSON.stringify(printable(error.message))];
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}
