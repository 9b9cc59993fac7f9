import { S3Error } from "./errors/s3-error.ts";

/**
 * CreateBucket of a bucket that its owner has already: in us-east-1 a success that changes nothing, in every other region
 * BucketAlreadyOwnedByYou (409). `region`: the server's own.
 */
export function checkBucketRecreation(region: string, bucket: string): void {
  if (region !== "us-east-1") throw new S3Error("BucketAlreadyOwnedByYou", { BucketName: bucket });
}
