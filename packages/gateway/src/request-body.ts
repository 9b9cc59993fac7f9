import type { BodyPlan, PayloadMode, Trailer } from "@kakera/s3";
import type { BodySource } from "./bodies.ts";

/** The body of one request, not read yet. */
export interface RequestBody {
  readonly mode: PayloadMode;
  /** Whether the head announces one at all: a request without length and without chunked framing has none. */
  readonly isAnnounced: boolean;
  /** What the head says of it. Throws MissingContentLength, EntityTooLarge (over 5 GiB), InvalidArgument, InvalidRequest. */
  plan(): BodyPlan;
  /** Nothing is read, and a client that waits for "100 Continue" is not told, before the first pull. Call once. */
  open(plan: BodyPlan, inspector: BodyInspector): BodySource;
}

/** Looks at a body's decoded bytes as they pass, and at its end. */
export interface BodyInspector {
  update(slice: Buffer): void;
  /** Throws S3Error when the body is not what its head or trailer promised. */
  end(trailer: Trailer): void;
}

/** For bodies whose content proves itself in another way. */
export const noInspector: BodyInspector = { update: () => {}, end: () => {} };
