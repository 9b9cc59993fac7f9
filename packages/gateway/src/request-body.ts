import type { Trailer } from "@kakera/s3";
import type { BodySource } from "./bodies.ts";

/** The body of one request, not read yet. */
export interface RequestBody {
  /**
   * Checks what its head announces, first: throws MissingContentLength, EntityTooLarge, InvalidArgument, InvalidRequest. Nothing is
   * read, and a client that waits for "100 Continue" is not told, before the first pull.
   */
  open(inspector: BodyInspector): BodySource;
}

/** Looks at a body's decoded bytes as they pass, and at its end. */
export interface BodyInspector {
  update(slice: Buffer): void;
  /** Throws S3Error when the body is not what its head or trailer promised. */
  end(trailer: Trailer): void;
}

/** For bodies whose content proves itself in another way, or not at all. */
export const noInspector: BodyInspector = { update: () => {}, end: () => {} };
