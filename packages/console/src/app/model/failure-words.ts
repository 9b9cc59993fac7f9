import { SessionExpired } from "../signing/sign-request.ts";
import { StoreFailure } from "../store/store-failure.ts";

/** A failure in words for the person at the screen. */
export interface FailureWords {
  readonly sentence: string;
  /** The server's code, to look it up; null: the server said nothing. */
  readonly code: string | null;
  readonly remedy: string | null;
}

const sentences: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: "The server does not know this access key.",
  SignatureDoesNotMatch: "The secret key does not belong to this access key.",
  RequestTimeTooSkewed: "The clocks of this machine and of the server differ by more than 15 minutes.",
  BucketNotEmpty: "The bucket still holds objects or open uploads. Only an empty one can be removed.",
  BucketAlreadyOwnedByYou: "There is a bucket of this name already.",
  BucketAlreadyExists: "There is a bucket of this name already.",
  NoSuchBucket: "There is no bucket of this name any more.",
  NoSuchKey: "There is no object of this name any more.",
  NoSuchUpload: "The upload was ended by somebody else.",
  AccessDenied: "This key may not do that.",
  SlowDown: "The server has more to do than it can, or is not ready yet. Please try again.",
  ServiceUnavailable: "Too few drives or nodes can be reached. Please try again.",
  InsufficientStorage: "The drives are full.",
  EntityTooLarge: "The object is larger than the server takes.",
  KeyTooLongError: "The name is longer than 1024 bytes.",
};

export function wordsOf(failure: unknown): FailureWords {
  if (failure instanceof StoreFailure) {
    const { code, message, remedy } = failure;
    const known = sentences[code];
    // The server's own sentence says more where it says something of its own.
    return { sentence: known ?? message, code, remedy };
  }
  if (failure instanceof SessionExpired)
    return {
      sentence: "This session is over: it lasts until the end of tomorrow (UTC).",
      code: null,
      remedy: "Sign in again.",
    };
  if (failure instanceof DOMException && failure.name === "AbortError")
    return { sentence: "Cancelled.", code: null, remedy: null };
  if (failure instanceof TypeError)
    return { sentence: "The server does not answer.", code: null, remedy: "Is it running? kakera health tells." };
  return { sentence: failure instanceof Error ? failure.message : String(failure), code: null, remedy: null };
}
