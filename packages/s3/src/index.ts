export { s3Errors, type S3ErrorCode, type S3ErrorDetail } from "./errors/catalogue.ts";
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

export { authorize, type ActedOn, type PolicyConditions, type Principal, type Verdict } from "./authorize.ts";
export { detectOperation, type DetectedOperation } from "./detect-operation.ts";
export { operationActions, type OperationName, type S3Action } from "./operations.ts";
export {
  renderUnsetBucketConfiguration,
  renderUnsetObjectConfiguration,
  type UnsetBucketConfiguration,
  type UnsetConfigurationQuestion,
  type UnsetObjectConfiguration,
} from "./unset-configuration.ts";

export { SigningKeys } from "./signature/signing-keys.ts";
export {
  verifySignature,
  type Authentication,
  type SignatureVerifier,
  type SigningContext,
} from "./signature/verify-signature.ts";

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

export { pageItemsMax, type EncodingType } from "./listing/list-parameters.ts";
export {
  pageObjectsV2,
  parseListObjectsV2,
  type ListObjectsV2Page,
  type ListObjectsV2Parameters,
} from "./listing/list-objects-v2.ts";
export { listPage, type Listed, type ListPage, type ListQuestion, type ListStart } from "./listing/list-page.ts";
export type { ListingCursor } from "./listing/listing-cursor.ts";

export { accessControlPolicyXml, documentXml, elementXml, type Owner } from "./xml/document.ts";
export { escapeXml } from "./xml/escape.ts";
export { renderListObjectsV2, type ListedObject } from "./xml/list-objects.ts";

export { formatAmzDate, formatHttpDate, formatIso, parseAmzDate, parseHttpDate } from "./dates.ts";
export { fastEtag, md5Etag, quoteEtag, unquoteEtag, type Etag } from "./etag.ts";
