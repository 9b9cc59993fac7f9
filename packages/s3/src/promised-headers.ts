import type { HeaderIndex } from "./addressing/header-index.ts";
import { S3Error } from "./errors/s3-error.ts";

/** Canned ACLs that promise what is so anyway. */
const ownerOnlyAcls: readonly string[] = ["private", "bucket-owner-full-control"];
const otherAcls: readonly string[] = [
  "public-read",
  "public-read-write",
  "authenticated-read",
  "aws-exec-read",
  "bucket-owner-read",
  "log-delivery-write",
];
const otherStorageClasses: readonly string[] = [
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER",
  "DEEP_ARCHIVE",
  "OUTPOSTS",
  "GLACIER_IR",
  "SNOW",
  "EXPRESS_ONEZONE",
  "FSX_OPENZFS",
  "FSX_ONTAP",
];

/** Headers that promise something whatever their value. */
const promises: readonly string[] = [
  "x-amz-object-lock-mode",
  "x-amz-object-lock-retain-until-date",
  "x-amz-object-lock-legal-hold",
  "x-amz-website-redirect-location",
  "x-amz-write-offset-bytes",
  "x-amz-rename-source",
];
const promisePrefixes: readonly string[] = [
  "x-amz-grant-",
  "x-amz-server-side-encryption",
  "x-amz-copy-source-server-side-encryption",
];
/** Headers that promise nothing with this value. */
const harmlessValues: Readonly<Record<string, readonly string[]>> = {
  "x-amz-bucket-object-lock-enabled": ["false"],
  "x-amz-server-side-encryption-bucket-key-enabled": ["false"],
  "x-amz-object-ownership": ["BucketOwnerEnforced"],
};

/**
 * Looks at every header that would promise something which we do not do: public access, grants, encryption, locks, redirects, other
 * storage classes. None is ever ignored. Throws NotImplemented, naming the header; InvalidArgument and InvalidStorageClass on values that S3 does
 * not know. What promises nothing (private ACLs, STANDARD, request payer, bypass of governance retention) passes.
 */
export function checkPromisedHeaders(headers: HeaderIndex): void {
  for (let i = 0; i < headers.count; i++) {
    const name = headers.nameAt(i);
    if (!name.startsWith("x-amz-")) continue;
    const value = headers.valueAt(i);
    if (name === "x-amz-acl") checkCannedAcl(value);
    else if (name === "x-amz-storage-class") checkStorageClass(value);
    else if (Object.hasOwn(harmlessValues, name)) {
      if (!harmlessValues[name]!.includes(value)) throw notImplemented(name);
    } else if (promises.includes(name) || promisePrefixes.some((prefix) => name.startsWith(prefix)))
      throw notImplemented(name);
  }
}

function checkCannedAcl(acl: string): void {
  if (ownerOnlyAcls.includes(acl)) return;
  if (otherAcls.includes(acl)) throw notImplemented("x-amz-acl");
  throw new S3Error("InvalidArgument", { ArgumentName: "x-amz-acl", ArgumentValue: acl });
}

function checkStorageClass(storageClass: string): void {
  if (storageClass === "STANDARD") return;
  if (otherStorageClasses.includes(storageClass)) throw notImplemented("x-amz-storage-class");
  throw new S3Error("InvalidStorageClass", { StorageClassRequested: storageClass });
}

function notImplemented(header: string): S3Error {
  return new S3Error(
    "NotImplemented",
    { Header: header },
    "A header you provided implies functionality that is not implemented",
  );
}

/**
 * Compares x-amz-expected-bucket-owner and x-amz-source-expected-bucket-owner with the owner of all buckets. Throws AccessDenied.
 * `ownerIds`: every id by which clients may know the owner.
 */
export function checkExpectedOwner(headers: HeaderIndex, ownerIds: readonly string[]): void {
  for (const name of ["x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"]) {
    const expected = headers.first(name);
    if (expected !== null && !ownerIds.includes(expected)) throw new S3Error("AccessDenied", {});
  }
}
