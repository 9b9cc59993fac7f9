import type { OperationName } from "@kakera/s3";
import type { Operation } from "./call.ts";
import { abortMultipartUpload } from "./abort-multipart-upload.ts";
import { deleteBucketTagging, getBucketTagging, putBucketTagging } from "./bucket-tagging.ts";
import { completeMultipartUpload } from "./complete-multipart-upload.ts";
import { copyObject } from "./copy-object.ts";
import { createBucket } from "./create-bucket.ts";
import { createMultipartUpload } from "./create-multipart-upload.ts";
import { deleteBucket } from "./delete-bucket.ts";
import { deleteObject } from "./delete-object.ts";
import { deleteObjects } from "./delete-objects.ts";
import { getBucketLocation } from "./get-bucket-location.ts";
import { getObject } from "./get-object.ts";
import { getObjectAttributes } from "./get-object-attributes.ts";
import { headBucket } from "./head-bucket.ts";
import { listBuckets } from "./list-buckets.ts";
import { listMultipartUploads } from "./list-multipart-uploads.ts";
import { listObjectVersions } from "./list-object-versions.ts";
import { listObjects } from "./list-objects.ts";
import { listObjectsV2 } from "./list-objects-v2.ts";
import { listParts } from "./list-parts.ts";
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from "./object-tagging.ts";
import { changing } from "./steps/changing.ts";
import { putAcl } from "./put-acl.ts";
import { putObject } from "./put-object.ts";
import { deleteUnsetConfiguration, getUnsetConfiguration } from "./unset-configuration.ts";
import { uploadPart } from "./upload-part.ts";
import { uploadPartCopy } from "./upload-part-copy.ts";

/** Every operation by S3's name. */
export const operationTable: Readonly<Record<OperationName, Operation>> = {
  ListBuckets: listBuckets,
  CreateBucket: changing(createBucket),
  HeadBucket: headBucket,
  DeleteBucket: changing(deleteBucket),
  GetBucketLocation: getBucketLocation,
  PutObject: changing(putObject),
  GetObject: getObject,
  HeadObject: getObject,
  DeleteObject: changing(deleteObject),
  CopyObject: changing(copyObject),
  DeleteObjects: changing(deleteObjects),
  GetObjectAttributes: getObjectAttributes,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListObjectVersions: listObjectVersions,
  CreateMultipartUpload: changing(createMultipartUpload),
  UploadPart: changing(uploadPart),
  UploadPartCopy: changing(uploadPartCopy),
  CompleteMultipartUpload: changing(completeMultipartUpload),
  AbortMultipartUpload: changing(abortMultipartUpload),
  ListParts: listParts,
  ListMultipartUploads: listMultipartUploads,
  GetObjectTagging: getObjectTagging,
  PutObjectTagging: changing(putObjectTagging),
  DeleteObjectTagging: changing(deleteObjectTagging),
  GetBucketTagging: getBucketTagging,
  PutBucketTagging: changing(putBucketTagging),
  DeleteBucketTagging: changing(deleteBucketTagging),
  GetUnsetConfiguration: getUnsetConfiguration,
  DeleteUnsetConfiguration: deleteUnsetConfiguration,
  PutAcl: putAcl,
};
