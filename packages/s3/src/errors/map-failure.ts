import { assertNever, ClusterFailure } from "@kakera/kernel";
import { S3Error } from "./s3-error.ts";

/**
 * What a client is told of an error that came from inside. Never 404 and never the inner text: Milvus takes NoSuchKey
 * for data loss, and inner texts name hosts and paths.
 */
export function toS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error;
  if (error instanceof ClusterFailure) return mapClusterFailure(error);
  return new S3Error("InternalError", {}, undefined, { cause: error });
}

function mapClusterFailure(failure: ClusterFailure): S3Error {
  const options = { cause: failure };
  switch (failure.kind) {
    case "retry":
      // SlowDown is the code that every S3 client retries with growing pauses.
      return new S3Error("SlowDown", {}, "The cluster cannot serve this at the moment. Please try again.", options);
    case "full":
      return new S3Error("InsufficientStorage", {}, undefined, options);
    case "repair":
      return new S3Error("ServiceUnavailable", {}, "Some data is being repaired. Please try again.", options);
    case "halt":
      return new S3Error("ServiceUnavailable", {}, "The service has stopped and waits for its operator.", options);
    default:
      return assertNever(failure.kind);
  }
}
