import { authorize, type Principal } from "./authorize.ts";
import { S3Error } from "./errors/s3-error.ts";

/**
 * What GET, HEAD and GetObjectAttributes answer when there is no such key: NoSuchKey only to those who may list the bucket, so that
 * nobody else learns which keys exist.
 */
export function missingKeyError(principal: Principal, bucket: string, key: string): S3Error {
  const mayList = authorize(principal, "s3:ListBucket", { bucket, key: null }) === "allow";
  return mayList ? new S3Error("NoSuchKey", { Key: key }) : new S3Error("AccessDenied", {});
}
