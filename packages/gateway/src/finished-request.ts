import type { HeaderList } from "./answer.ts";

/**
 * A request that is over, as whoever writes audit records sees it: nothing is hidden here, Authorization and presigned queries included. Plain data that
 * is not used again.
 */
export interface FinishedRequest {
  readonly requestId: string;
  /** S3's operation name, or what else was asked for. */
  readonly operation: string;
  /** null: the service itself, or a request that could not be read. */
  readonly bucket: string | null;
  /** null: none, or no text. */
  readonly key: string | null;
  readonly accessKey: string | null;
  readonly method: string;
  /** As sent, with its query; one character, one byte. */
  readonly target: string;
  readonly host: string;
  /** An address, without port; "" when the connection was closed before it could be told. */
  readonly clientAddress: string;
  readonly requestHeaders: HeaderList;
  /** Empty: no head was sent. */
  readonly responseHeaders: HeaderList;
  readonly status: number;
  /** The status, an S3 error code, ClientGone or Broken. */
  readonly code: string;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Wall clock. */
  readonly endedMs: number;
  readonly durationMs: number;
  /** From the head of the request to that of the answer; null: none was sent. */
  readonly headMs: number | null;
}

/**
 * Does the whole work of a request, `finished` included, within the trace that its sender's traceparent header names; null: it has none. Passes on what the
 * work resolves to.
 */
export type RequestTracer = <T>(traceparent: string | null, work: () => Promise<T>) => Promise<T>;

/** Called once for each request that is over. It returns at once and throws nothing: an answer may still be on its way. */
export type FinishedListener = (request: FinishedRequest) => void;
