import { errorSpec, type S3ErrorCode, type S3ErrorDetail } from "./catalogue.ts";

/**
 * An error that is the client's to know. A code outside the catalogue, a missing detail element and an unknown one
 * do not compile: `new S3Error("NoSuchKey", { Key: "a" })`.
 */
export class S3Error<C extends S3ErrorCode = S3ErrorCode> extends Error {
  override readonly name = "S3Error";
  readonly code: C;
  readonly status: number;
  /** XML elements by name, in the order in which they are written. */
  readonly detail: Readonly<Record<string, string | number>>;
  /** null: the client gets no Retry-After. */
  readonly retryAfterSeconds: number | null;

  constructor(code: C, detail: S3ErrorDetail<C>, message?: string, options?: { readonly cause?: unknown }) {
    const spec = errorSpec(code);
    super(message ?? spec.message, options);
    this.code = code;
    this.status = spec.status;
    this.detail = detail;
    this.retryAfterSeconds = spec.retryAfterSeconds ?? null;
  }
}
