export { s3Errors, type S3ErrorCode, type S3ErrorDetail } from "./errors/catalogue.ts";
export { statusOfCode } from "./errors/status-of-code.ts";
export { toS3Error } from "./errors/map-failure.ts";
export { errorHeaders, headErrorHeaders, renderErrorXml, type ErrorContext } from "./errors/render-error-xml.ts";
export { S3Error } from "./errors/s3-error.ts";

export { bucketNameFault, checkNewBucketName, isPossibleBucketName } from "./addressing/bucket-name.ts";
export { HeaderIndex } from "./addressing/header-index.ts";
export { keyBytesMax, objectKeyFromText, type ObjectKey } from "./addressing/object-key.ts";
export { parseRequest, type AddressingSettings, type S3Request } from "./addressing/parse-request.ts";
export { encodePercentPath, latin1AsUtf8, utf8AsLatin1 } from "./addressing/percent.ts";
export { parseQuery, Query, type QueryEntry } from "./addressing/query.ts";
export type { RequestHead } from "./addressing/request-head.ts";
export { objectLocation } from "./location.ts";

export { SigningKeys } from "./signature/signing-keys.ts";
export {
  verifySignature,
  type Authentication,
  type SignatureVerifier,
  type SigningContext,
} from "./signature/verify-signature.ts";
export { authorize, type ActedOn, type PolicyConditions, type Principal, type Verdict } from "./authorize.ts";
export { detectOperation, type DetectedOperation } from "./detect-operation.ts";
export { operationActions, type OperationName, type S3Action } from "./operations.ts";
export { checkBucketRecreation } from "./bucket-recreation.ts";
export { missingKeyError } from "./missing-key.ts";
export { checkExpectedOwner, checkPromisedHeaders } from "./promised-headers.ts";
export {
  renderUnsetBucketConfiguration,
  renderUnsetObjectConfiguration,
  type UnsetBucketConfiguration,
  type UnsetConfigurationQuestion,
  type UnsetObjectConfiguration,
} from "./unset-configuration.ts";

export { bodyBytesMax, planBody, type BodyPlan } from "./payload/body-plan.ts";
export {
  createPayloadDecoder,
  type BodySink,
  type PayloadDecoder,
  type Trailer,
  type TrailerField,
} from "./payload/payload-decoder.ts";
export { isStreaming, unsignedPayload, type PayloadMode } from "./payload/payload-mode.ts";

export {
  checksumAlgorithms,
  checksumHeader,
  checksumSizesBytes,
  parseChecksumAlgorithm,
  type ChecksumAlgorithm,
  type ChecksumType,
} from "./checksums/algorithms.ts";
export { BodyChecksum, checkDocumentDigests, checkDocumentIsProtected, checkMd5 } from "./checksums/check-digests.ts";
export { checksumOfRead, type ReadExtent } from "./checksums/checksum-of-read.ts";
export { createChecksum, type Checksum } from "./checksums/checksum.ts";
export { combineCrcs, type CrcAlgorithm, type CrcOfPart } from "./checksums/combine-crc.ts";
export { parseExpectedDigests, type ExpectedChecksum, type ExpectedDigests } from "./checksums/expected-digests.ts";
export {
  checksumHeaders,
  checksumOfParts,
  checksumText,
  wholeChecksum,
  type ObjectChecksum,
} from "./checksums/object-checksum.ts";
export {
  checkPartAlgorithm,
  parseCompletionChecksum,
  parseUploadChecksum,
  type CompletionChecksum,
  type UploadChecksum,
} from "./checksums/upload-checksum.ts";

export {
  checkCopySourceConditions,
  checkReadConditions,
  type ObjectFacts,
  type ReadVerdict,
} from "./conditions/read-conditions.ts";
export {
  checkWriteCondition,
  deleteConditionOf,
  parseDeleteCondition,
  parseWriteCondition,
  type WriteCondition,
} from "./conditions/write-conditions.ts";
export {
  checkCopyOntoItself,
  checkCopySize,
  parseCopyDirectives,
  parseCopySource,
  parseCopySourceRange,
  type CopyDirective,
  type CopyDirectives,
  type CopySource,
  type CopySourceRange,
} from "./copy-source.ts";
export { formatAmzDate, formatHttpDate, formatIso, parseAmzDate, parseHttpDate } from "./dates.ts";
export { fastEtag, md5Etag, quoteEtag, unquoteEtag, type Etag } from "./etag.ts";
export {
  collectSystemHeaders,
  collectUserMetadata,
  defaultContentType,
  metadataBytesMax,
  objectHeaders,
  type SystemHeaders,
  type UserMetadata,
} from "./metadata-headers.ts";
export { parseObjectAttributes, type ObjectAttribute, type ObjectAttributesParameters } from "./object-attributes.ts";
export { parsePartNumber, partNumberMax, selectPart, type PartedObject, type PartSelection } from "./part-number.ts";
export { contentRange, isRangeWanted, parseRange, type ByteSelection } from "./range.ts";
export { overrideHeaders } from "./response-overrides.ts";
export { checkBucketTags, checkObjectTags, parseTaggingHeader, type Tag } from "./tagging.ts";
export { checkVersionId, nullVersionId } from "./version-id.ts";

export { parseObjectSizeHeader } from "./multipart/object-size-header.ts";
export {
  objectSizeBytesMax,
  partSizeBytesMin,
  planCompletion,
  type CompletionPlan,
  type CompletionQuestion,
  type UploadedPart,
} from "./multipart/plan-completion.ts";

export {
  pageBuckets,
  parseListBuckets,
  type ListBucketsPage,
  type ListBucketsParameters,
} from "./listing/list-buckets.ts";
export {
  pageMultipartUploads,
  parseListMultipartUploads,
  type ListedUpload,
  type ListMultipartUploadsPage,
  type ListMultipartUploadsParameters,
} from "./listing/list-multipart-uploads.ts";
export {
  pageObjects,
  parseListObjects,
  type ListObjectsPage,
  type ListObjectsParameters,
} from "./listing/list-objects-v1.ts";
export {
  pageObjectsV2,
  parseListObjectsV2,
  type ListObjectsV2Page,
  type ListObjectsV2Parameters,
} from "./listing/list-objects-v2.ts";
export {
  pageObjectVersions,
  parseListObjectVersions,
  type ListObjectVersionsPage,
  type ListObjectVersionsParameters,
} from "./listing/list-object-versions.ts";
export { listPage, type Listed, type ListPage, type ListQuestion, type ListStart } from "./listing/list-page.ts";
export { pageItemsMax, type EncodingType } from "./listing/list-parameters.ts";
export { pageParts, parseListParts, type ListPartsParameters, type PartsPage } from "./listing/list-parts.ts";
export { prefixSuccessor, type ListingCursor } from "./listing/listing-cursor.ts";
export type { UploadPosition } from "./listing/upload-position.ts";

export { renderBucketLocation, renderTagging } from "./xml/bucket-answers.ts";
export { renderCopyObject, renderCopyPart, type CopiedObject } from "./xml/copy-result.ts";
export { renderDeleteResult, type DeletedObject } from "./xml/delete-result.ts";
export { accessControlPolicyXml, documentXml, elementXml, xmlDeclaration, type Owner } from "./xml/document.ts";
export { escapeXml } from "./xml/escape.ts";
export { renderListBuckets, type ListedBucket } from "./xml/list-buckets.ts";
export { renderListObjectVersions } from "./xml/list-object-versions.ts";
export { renderListObjects, renderListObjectsV2, type ListedObject } from "./xml/list-objects.ts";
export {
  renderCompleteMultipartUpload,
  renderInitiateMultipartUpload,
  renderListMultipartUploads,
  renderListParts,
  type CompletedObject,
  type OpenUpload,
  type StoredPartFacts,
  type UploadName,
} from "./xml/multipart.ts";
export { renderObjectAttributes, type AttributedObject, type AttributedPart } from "./xml/object-attributes.ts";
export { checkAccessControlPolicy } from "./xml/parse-access-control-policy.ts";
export {
  completeBytesMax,
  parseCompleteMultipartUpload,
  type ListedPart,
} from "./xml/parse-complete-multipart-upload.ts";
export { parseCreateBucketConfiguration, type CreateBucketConfiguration } from "./xml/parse-create-bucket.ts";
export {
  deleteBytesMax,
  deleteObjectsMax,
  parseDelete,
  type DeleteRequest,
  type ObjectToDelete,
} from "./xml/parse-delete.ts";
export { parseTagging, taggingBytesMax } from "./xml/parse-tagging.ts";
