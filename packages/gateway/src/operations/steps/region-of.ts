import type { OperationParts } from "../../gateway-parts.ts";
import type { OpenBucket } from "./open-bucket.ts";

/** Where a bucket says that it is: what its creator asked for, else where this server says that it is. */
export function regionOf(bucket: OpenBucket, parts: OperationParts): string {
  return bucket.seen.record.region === "" ? parts.settings.region : bucket.seen.record.region;
}
