import { S3Error } from "../errors/s3-error.ts";

/** Names that health and metrics paths of MinIO, RustFS and ourselves begin with. */
const ownPaths: readonly string[] = ["minio", "rustfs", "kakera"];
const reservedPrefixes: readonly string[] = ["xn--", "sthree-", "amzn-s3-demo-"];
const reservedSuffixes: readonly string[] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/** Whether a bucket of that name could exist anywhere in S3, old names of us-east-1 included. */
export function isPossibleBucketName(name: string): boolean {
  return /^(?=.*[A-Za-z0-9])[A-Za-z0-9._-]{1,255}$/.test(name);
}

/** Why a new bucket may not have this name, or null when it may: AWS's rules for general purpose buckets, and our own paths. */
export function bucketNameFault(name: string): string | null {
  if (name.length < 3 || name.length > 63) return "Bucket names have 3 to 63 characters.";
  if (!/^[a-z0-9.-]+$/.test(name)) return "Bucket names have lower-case letters, digits, dots and hyphens only.";
  if (!/^[a-z0-9].*[a-z0-9]$/.test(name)) return "Bucket names begin and end with a letter or digit.";
  if (/\.[.-]|-\./.test(name)) return "In bucket names a dot has a letter or digit on both sides.";
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return "Bucket names are not formatted as IP addresses.";
  const prefix = reservedPrefixes.find((p) => name.startsWith(p));
  if (prefix !== undefined) return `Bucket names that begin with "${prefix}" are reserved.`;
  const suffix = reservedSuffixes.find((s) => name.endsWith(s));
  if (suffix !== undefined) return `Bucket names that end with "${suffix}" are reserved.`;
  if (ownPaths.includes(name)) return `The name "${name}" is taken by the server's own paths.`;
  return null;
}

/** Throws InvalidBucketName, with the reason, when a new bucket may not have this name. */
export function checkNewBucketName(name: string): void {
  const fault = bucketNameFault(name);
  if (fault !== null)
    throw new S3Error("InvalidBucketName", { BucketName: name }, `The specified bucket is not valid. ${fault}`);
}
