import { S3Error } from "@kakera/s3";
import type { Operation } from "../call.ts";

/**
 * An operation that changes something: refused before its body travels while too few drives can be reached for any change.
 * What is asked that late that the log takes no more is refused by the log itself.
 */
export function changing(operation: Operation): Operation {
  return async (call, parts) => {
    if (!parts.log.status().canWrite)
      throw new S3Error(
        "SlowDown",
        {},
        "Too few drives can be reached for changes: only reads are served. Please try again.",
      );
    return operation(call, parts);
  };
}
