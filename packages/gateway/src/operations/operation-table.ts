import type { OperationName } from "@kakera/s3";
import type { Operation } from "./call.ts";
import { createBucket } from "./create-bucket.ts";
import { deleteObject } from "./delete-object.ts";
import { getObject } from "./get-object.ts";
import { listObjectsV2 } from "./list-objects-v2.ts";
import { putObject } from "./put-object.ts";

/** Every operation by S3's name. */
export const operationTable: Partial<Readonly<Record<OperationName, Operation>>> = {
  CreateBucket: createBucket,
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: getObject,
  DeleteObject: deleteObject,
  ListObjectsV2: listObjectsV2,
};
