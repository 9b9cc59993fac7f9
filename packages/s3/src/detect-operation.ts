import type { HeaderIndex } from "./addressing/header-index.ts";
import type { S3Request } from "./addressing/parse-request.ts";
import type { Query } from "./addressing/query.ts";
import { S3Error } from "./errors/s3-error.ts";
import type { OperationName } from "./operations.ts";
import {
  unsetBucketConfigurations,
  unsetObjectConfigurations,
  type UnsetBucketConfiguration,
  type UnsetObjectConfiguration,
} from "./unset-configuration.ts";

type PlainOperation = Exclude<OperationName, "GetUnsetConfiguration" | "DeleteUnsetConfiguration">;

/** What a request asks for. */
export type DetectedOperation =
  | { readonly name: PlainOperation }
  | {
      readonly name: "GetUnsetConfiguration";
      readonly level: "bucket";
      readonly configuration: UnsetBucketConfiguration;
    }
  | {
      readonly name: "GetUnsetConfiguration";
      readonly level: "object";
      readonly configuration: UnsetObjectConfiguration;
    }
  | { readonly name: "DeleteUnsetConfiguration"; readonly configuration: UnsetBucketConfiguration }
  /** OPTIONS: carries no signature, and is refused as no CORS configuration exists. */
  | { readonly name: "CorsPreflight"; readonly error: S3Error }
  /** Known and not done. The signature is checked first, so that a stranger learns nothing but AccessDenied. */
  | { readonly name: "Refused"; readonly error: S3Error };

/** Sub-resources of AWS that we do not have: 501 with any method. */
const notImplementedSubResources: ReadonlySet<string> = new Set([
  "torrent",
  "restore",
  "select",
  "session",
  "abac",
  "renameObject",
  "append",
  "metadataTable",
  "metadataConfiguration",
  "metadataInventoryTable",
  "metadataJournalTable",
  "metadataAnnotationTable",
]);

/**
 * Query names that select another operation than the method alone. An unknown name is none: it is signed and ignored.
 * partNumber, versionId and list-type only modify.
 */
const subResources: ReadonlySet<string> = new Set([
  ...Object.keys(unsetBucketConfigurations),
  ...Object.keys(unsetObjectConfigurations),
  ...notImplementedSubResources,
  "location",
  "tagging",
  "uploads",
  "uploadId",
  "versions",
  "delete",
  "attributes",
]);

/** Method, bucket or key, and sub-resource decide together: DELETE ?policy never deletes a bucket. */
export function detectOperation(request: S3Request): DetectedOperation {
  if (request.method === "OPTIONS") return { name: "CorsPreflight", error: preflightRefused(request.headers) };
  if (isMinioAdminPath(request)) return refuse(notImplemented(minioAdminRefusal));
  const found =
    request.bucket === null ? detectServiceOperation(request) : detectIn(request, subResourcesOf(request.query));
  const needsCopySource = found.name === "CopyObject" || found.name === "UploadPartCopy" || found.name === "Refused";
  if (needsCopySource || !request.headers.has("x-amz-copy-source")) return found;
  return refuse(
    invalidArgument(
      "x-amz-copy-source",
      request.headers.first("x-amz-copy-source")!,
      "You can only specify a copy source header for copy requests.",
    ),
  );
}

const minioAdminRefusal = "MinIO's admin API is not part of this server: use the kakera command.";

/** No bucket can be called so, and `mc admin` shows its user what it is told. */
function isMinioAdminPath({ style, rawPath }: S3Request): boolean {
  return style === "path" && rawPath.startsWith("/minio/admin/");
}

function subResourcesOf(query: Query): string[] {
  const found: string[] = [];
  for (const { name } of query.entries) if (subResources.has(name) && !found.includes(name)) found.push(name);
  return found;
}

function detectServiceOperation(request: S3Request): DetectedOperation {
  if (request.method !== "GET") return methodNotAllowed(request, "SERVICE");
  return request.query.has("events") ? refuse(subResourceNotImplemented("events")) : { name: "ListBuckets" };
}

function detectIn(request: S3Request, found: readonly string[]): DetectedOperation {
  if (found.length > 1) {
    return refuse(
      invalidArgument("ResourceType", found[0]!, `Conflicting query string parameters: ${found.join(", ")}`),
    );
  }
  const subResource = found[0] ?? null;
  if (request.key === null) {
    return subResource === null ? detectBucketOperation(request) : detectBucketSubResource(request, subResource);
  }
  return subResource === null ? detectObjectOperation(request) : detectObjectSubResource(request, subResource);
}

function detectBucketOperation(request: S3Request): DetectedOperation {
  switch (request.method) {
    case "GET":
      return detectListing(request.query);
    case "HEAD":
      return { name: "HeadBucket" };
    case "PUT":
      return { name: "CreateBucket" };
    case "DELETE":
      return { name: "DeleteBucket" };
    case "POST":
      return isForm(request.headers)
        ? refuse(notImplemented("Form uploads (POST) are not implemented."))
        : methodNotAllowed(request, "BUCKET");
    default:
      return methodNotAllowed(request, "BUCKET");
  }
}

function detectListing(query: Query): DetectedOperation {
  // MinIO's stream of events, which is asked for by this name alone.
  if (query.has("events")) return refuse(subResourceNotImplemented("events"));
  const type = query.get("list-type");
  if (type === null) return { name: "ListObjects" };
  return type === "2"
    ? { name: "ListObjectsV2" }
    : refuse(invalidArgument("list-type", type, "Invalid List Type specified in Query"));
}

const bucketSubResources: Readonly<Record<string, PlainOperation>> = {
  "GET location": "GetBucketLocation",
  "GET versions": "ListObjectVersions",
  "GET uploads": "ListMultipartUploads",
  "POST delete": "DeleteObjects",
  "GET tagging": "GetBucketTagging",
  "PUT tagging": "PutBucketTagging",
  "DELETE tagging": "DeleteBucketTagging",
  "PUT acl": "PutAcl",
};

function detectBucketSubResource(request: S3Request, subResource: string): DetectedOperation {
  const name = lookUp(bucketSubResources, request, subResource);
  if (name !== null) return { name };
  if (notImplementedSubResources.has(subResource)) return refuse(subResourceNotImplemented(subResource));
  if (!isUnsetBucketConfiguration(subResource)) return methodNotAllowed(request, resourceType(subResource));
  if (request.method === "GET") return { name: "GetUnsetConfiguration", level: "bucket", configuration: subResource };
  if (request.method === "DELETE" && unsetBucketConfigurations[subResource].isDeletable) {
    return { name: "DeleteUnsetConfiguration", configuration: subResource };
  }
  return request.method === "PUT"
    ? refuse(subResourceNotImplemented(subResource))
    : methodNotAllowed(request, resourceType(subResource));
}

const objectSubResources: Readonly<Record<string, PlainOperation>> = {
  "POST uploads": "CreateMultipartUpload",
  "POST uploadId": "CompleteMultipartUpload",
  "GET uploadId": "ListParts",
  "DELETE uploadId": "AbortMultipartUpload",
  "GET attributes": "GetObjectAttributes",
  "GET tagging": "GetObjectTagging",
  "PUT tagging": "PutObjectTagging",
  "DELETE tagging": "DeleteObjectTagging",
  "PUT acl": "PutAcl",
};

function detectObjectSubResource(request: S3Request, subResource: string): DetectedOperation {
  if (subResource === "uploadId" && request.method === "PUT") return detectUploadPart(request);
  const name = lookUp(objectSubResources, request, subResource);
  if (name !== null) return { name };
  if (notImplementedSubResources.has(subResource)) return refuse(subResourceNotImplemented(subResource));
  if (isUnsetObjectConfiguration(subResource)) {
    if (request.method === "GET") return { name: "GetUnsetConfiguration", level: "object", configuration: subResource };
    if (request.method === "PUT") return refuse(subResourceNotImplemented(subResource));
    return methodNotAllowed(request, resourceType(subResource));
  }
  const isOfObjects =
    subResource === "tagging" ||
    subResource === "uploadId" ||
    subResource === "attributes" ||
    subResource === "uploads";
  if (isOfObjects && !(subResource === "uploads" && request.method === "GET"))
    return methodNotAllowed(request, resourceType(subResource));
  return refuse(
    new S3Error("InvalidRequest", {}, `The query parameter "${subResource}" applies to a bucket, not to a key.`),
  );
}

function detectUploadPart(request: S3Request): DetectedOperation {
  if (!request.query.has("partNumber")) return methodNotAllowed(request, "UPLOAD");
  return { name: request.headers.has("x-amz-copy-source") ? "UploadPartCopy" : "UploadPart" };
}

function detectObjectOperation(request: S3Request): DetectedOperation {
  switch (request.method) {
    case "GET":
      return { name: "GetObject" };
    case "HEAD":
      return { name: "HeadObject" };
    case "PUT":
      if (request.query.has("partNumber")) {
        return refuse(invalidArgument("uploadId", "", "This operation does not accept partNumber without uploadId"));
      }
      return { name: request.headers.has("x-amz-copy-source") ? "CopyObject" : "PutObject" };
    case "DELETE":
      return { name: "DeleteObject" };
    default:
      return methodNotAllowed(request, "OBJECT");
  }
}

function lookUp(
  table: Readonly<Record<string, PlainOperation>>,
  request: S3Request,
  subResource: string,
): PlainOperation | null {
  const entry = `${request.method} ${subResource}`;
  return Object.hasOwn(table, entry) ? table[entry]! : null;
}

function isUnsetBucketConfiguration(name: string): name is UnsetBucketConfiguration {
  return Object.hasOwn(unsetBucketConfigurations, name);
}

function isUnsetObjectConfiguration(name: string): name is UnsetObjectConfiguration {
  return Object.hasOwn(unsetObjectConfigurations, name);
}

function isForm(headers: HeaderIndex): boolean {
  return (headers.first("content-type") ?? "").toLowerCase().startsWith("multipart/form-data");
}

/** AWS names sub-resources so in ResourceType: "legal-hold" -> "LEGALHOLD". */
function resourceType(subResource: string): string {
  return subResource.replaceAll("-", "").toUpperCase();
}

/** There is never a CORS configuration, so no origin is allowed and no Access-Control header is sent. */
function preflightRefused(headers: HeaderIndex): S3Error {
  if (!headers.has("origin"))
    return new S3Error("BadRequest", {}, "Insufficient information. Origin request header needed.");
  const method = headers.first("access-control-request-method");
  if (method === null) return new S3Error("BadRequest", {}, "Invalid Access-Control-Request-Method: null");
  return new S3Error("AccessForbidden", { Method: method, ResourceType: "BUCKET" });
}

function refuse(error: S3Error): DetectedOperation {
  return { name: "Refused", error };
}

function methodNotAllowed(request: S3Request, type: string): DetectedOperation {
  return refuse(new S3Error("MethodNotAllowed", { Method: request.method, ResourceType: type }));
}

function notImplemented(message: string): S3Error {
  return new S3Error("NotImplemented", {}, message);
}

function subResourceNotImplemented(subResource: string): S3Error {
  return new S3Error(
    "NotImplemented",
    { Query: subResource },
    `The sub-resource "${subResource}" implies functionality that is not implemented.`,
  );
}

function invalidArgument(name: string, value: string, message: string): S3Error {
  return new S3Error("InvalidArgument", { ArgumentName: name, ArgumentValue: value }, message);
}
