/** Hears of every request that has ended, while somebody wants to know. Its cost is one look at `isWatching` otherwise. */
export interface RequestWatcher {
  readonly isWatching: boolean;
  note(request: EndedRequest): void;
}

/** What is told of a request. Neither its query nor any header: both may hold secrets. */
export interface EndedRequest {
  /** When its answer was handed over: milliseconds since the epoch. */
  readonly endedMs: number;
  readonly durationMs: number;
  readonly requestId: string;
  /** S3's name of the operation, or Admin, Health, Metrics, Unknown. */
  readonly operation: string;
  readonly method: string;
  /** "/", "/BUCKET" or "/BUCKET/KEY", decoded; the path as it came where it could not be read. */
  readonly resource: string;
  /** null: it was not signed, or not yet believed. */
  readonly accessKey: string | null;
  readonly clientAddress: string;
  /** null: the connection ended before there was a status. */
  readonly statusCode: number | null;
  /** The status, or the S3 error code, or how the connection broke. */
  readonly code: string;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}
