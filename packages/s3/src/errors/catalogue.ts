/** What one error code means. `detail`: elements the XML must carry; `optional`: elements it may carry. */
interface ErrorSpec {
  readonly status: number;
  readonly message: string;
  readonly detail: readonly string[];
  readonly optional?: readonly string[];
  /** Sent as Retry-After. */
  readonly retryAfterSeconds?: number;
}

/**
 * Every error a client of the S3 API can get. `docs/errors.md` says the same, proved by a test both ways.
 * Codes and element names are AWS's, except InsufficientStorage (507), which AWS cannot need.
 */
export const s3Errors = {
  AccessDenied: {
    status: 403,
    message: "Access Denied",
    detail: [],
    optional: ["HeadersNotSigned", "X-Amz-Expires", "Expires", "ServerTime"],
  },
  AccessForbidden: {
    status: 403,
    message: "CORSResponse: CORS is not enabled for this bucket.",
    detail: ["Method", "ResourceType"],
  },
  AuthorizationHeaderMalformed: {
    status: 400,
    message: "The authorization header that you provided is not valid.",
    detail: [],
  },
  AuthorizationQueryParametersError: {
    status: 400,
    message:
      "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
    detail: [],
  },
  BadDigest: {
    status: 400,
    message: "The digest you specified did not match what we received.",
    detail: ["ExpectedDigest", "CalculatedDigest"],
  },
  BadRequest: { status: 400, message: "Bad Request", detail: [] },
  BucketAlreadyExists: {
    status: 409,
    message: "The requested bucket name is not available. Select a different name and try again.",
    detail: ["BucketName"],
  },
  BucketAlreadyOwnedByYou: {
    status: 409,
    message: "Your previous request to create the named bucket succeeded and you already own it.",
    detail: ["BucketName"],
  },
  BucketNotEmpty: { status: 409, message: "The bucket you tried to delete is not empty.", detail: ["BucketName"] },
  ConditionalRequestConflict: {
    status: 409,
    message: "A conflicting operation happened at the same time. Look at the object and try again.",
    detail: ["Condition", "Key"],
  },
  EntityTooLarge: {
    status: 400,
    message: "Your proposed upload exceeds the maximum allowed object size.",
    detail: ["ProposedSize", "MaxSizeAllowed"],
  },
  EntityTooSmall: {
    status: 400,
    message: "Your proposed upload is smaller than the minimum allowed object size.",
    detail: ["ProposedSize", "MinSizeAllowed", "PartNumber", "ETag"],
  },
  IncompleteBody: {
    status: 400,
    message: "You did not provide the number of bytes that the headers promised.",
    detail: [],
  },
  InsufficientStorage: {
    status: 507,
    message: "There is no room left to store this. Reads and deletes go on; delete objects or add drives.",
    detail: [],
  },
  InternalError: { status: 500, message: "We encountered an internal error. Please try again.", detail: [] },
  InvalidAccessKeyId: {
    status: 403,
    message: "The access key ID that you provided does not exist in our records.",
    detail: ["AWSAccessKeyId"],
  },
  InvalidArgument: { status: 400, message: "Invalid Argument", detail: ["ArgumentName", "ArgumentValue"] },
  InvalidBucketName: { status: 400, message: "The specified bucket is not valid.", detail: ["BucketName"] },
  InvalidDigest: { status: 400, message: "The Content-MD5 that you specified is not valid.", detail: ["Content-MD5"] },
  InvalidPart: {
    status: 400,
    message: "One of the parts could not be found, or its ETag or checksum is not that of the part uploaded.",
    detail: ["UploadId", "PartNumber", "ETag"],
  },
  InvalidPartNumber: {
    status: 416,
    message: "The requested partnumber is not satisfiable.",
    detail: ["PartNumberRequested", "ActualPartCount"],
  },
  InvalidPartOrder: {
    status: 400,
    message: "The list of parts was not in ascending order of part number.",
    detail: ["UploadId"],
  },
  InvalidRange: {
    status: 416,
    message: "The requested range is not satisfiable",
    detail: ["RangeRequested", "ActualObjectSize"],
  },
  InvalidRequest: { status: 400, message: "Invalid Request", detail: [] },
  InvalidStorageClass: {
    status: 400,
    message: "The storage class that you specified is not valid.",
    detail: ["StorageClassRequested"],
  },
  InvalidTag: {
    status: 400,
    message: "The tag that you provided is not valid.",
    detail: [],
    optional: ["TagKey", "TagValue"],
  },
  InvalidToken: { status: 400, message: "The provided token is malformed or otherwise not valid.", detail: [] },
  InvalidURI: { status: 400, message: "Could not parse the specified URI.", detail: ["URI"] },
  KeyTooLongError: { status: 400, message: "Your key is too long.", detail: ["Size", "MaxSizeAllowed"] },
  MalformedTrailerError: {
    status: 400,
    message: "The request contained trailing data that was not well-formed or did not conform to what was announced.",
    detail: [],
  },
  MalformedXML: {
    status: 400,
    message: "The XML that you provided was not well-formed or did not validate against our published schema.",
    detail: [],
  },
  MaxMessageLengthExceeded: { status: 400, message: "Your request was too large.", detail: ["MaxMessageLengthBytes"] },
  MetadataTooLarge: {
    status: 400,
    message: "Your metadata headers exceed the maximum allowed metadata size.",
    detail: ["Size", "MaxSizeAllowed"],
  },
  MethodNotAllowed: {
    status: 405,
    message: "The specified method is not allowed against this resource.",
    detail: ["Method", "ResourceType"],
  },
  MissingContentLength: { status: 411, message: "You must provide the Content-Length HTTP header.", detail: [] },
  NoSuchBucket: { status: 404, message: "The specified bucket does not exist", detail: ["BucketName"] },
  NoSuchBucketPolicy: { status: 404, message: "The bucket policy does not exist", detail: ["BucketName"] },
  NoSuchConfiguration: { status: 404, message: "The specified configuration does not exist.", detail: ["BucketName"] },
  NoSuchCORSConfiguration: { status: 404, message: "The CORS configuration does not exist", detail: ["BucketName"] },
  NoSuchKey: { status: 404, message: "The specified key does not exist.", detail: ["Key"] },
  NoSuchLifecycleConfiguration: {
    status: 404,
    message: "The lifecycle configuration does not exist",
    detail: ["BucketName"],
  },
  NoSuchPublicAccessBlockConfiguration: {
    status: 404,
    message: "The public access block configuration was not found",
    detail: ["BucketName"],
  },
  NoSuchTagSet: { status: 404, message: "The TagSet does not exist", detail: ["BucketName"] },
  NoSuchUpload: {
    status: 404,
    message: "The specified multipart upload does not exist. It may have been aborted or completed.",
    detail: ["UploadId"],
  },
  NoSuchVersion: { status: 404, message: "The specified version does not exist.", detail: ["Key", "VersionId"] },
  NoSuchWebsiteConfiguration: {
    status: 404,
    message: "The specified bucket does not have a website configuration",
    detail: ["BucketName"],
  },
  NotImplemented: {
    status: 501,
    message: "Something that you asked for implies functionality that is not implemented.",
    detail: [],
    optional: ["Header", "Query"],
  },
  ObjectLockConfigurationNotFoundError: {
    status: 404,
    message: "Object Lock configuration does not exist for this bucket",
    detail: ["BucketName"],
  },
  OperationAborted: {
    status: 409,
    message: "A conflicting operation is in progress against this resource. Try again.",
    detail: [],
  },
  OwnershipControlsNotFoundError: {
    status: 404,
    message: "The bucket ownership controls were not found",
    detail: ["BucketName"],
  },
  PreconditionFailed: {
    status: 412,
    message: "At least one of the pre-conditions you specified did not hold",
    detail: ["Condition"],
  },
  ReplicationConfigurationNotFoundError: {
    status: 404,
    message: "The replication configuration was not found",
    detail: ["BucketName"],
  },
  RequestHeaderSectionTooLarge: {
    status: 400,
    message: "Your request header section exceeds the maximum allowed request header section size.",
    detail: ["MaxSizeAllowed"],
  },
  RequestTimeTooSkewed: {
    status: 403,
    message: "The difference between the request time and the server's time is too large.",
    detail: ["RequestTime", "ServerTime", "MaxAllowedSkewMilliseconds"],
  },
  RequestTimeout: {
    status: 400,
    message: "Your socket connection to the server was not read from or written to within the timeout period.",
    detail: [],
  },
  ServerSideEncryptionConfigurationNotFoundError: {
    status: 404,
    message: "The server side encryption configuration was not found",
    detail: ["BucketName"],
  },
  ServiceUnavailable: {
    status: 503,
    message: "Service is unable to handle the request at the moment. Please try again.",
    detail: [],
    retryAfterSeconds: 5,
  },
  SignatureDoesNotMatch: {
    status: 403,
    message:
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    detail: ["AWSAccessKeyId", "StringToSign", "SignatureProvided"],
    optional: ["StringToSignBytes", "CanonicalRequest", "CanonicalRequestBytes"],
  },
  XAmzContentSHA256Mismatch: {
    status: 400,
    message: "The provided 'x-amz-content-sha256' header does not match what was computed.",
    detail: ["ClientComputedContentSHA256", "S3ComputedContentSHA256"],
  },
  SlowDown: { status: 503, message: "Please reduce your request rate.", detail: [], retryAfterSeconds: 5 },
} as const satisfies Readonly<Record<string, ErrorSpec>>;

export type S3ErrorCode = keyof typeof s3Errors;

type DetailValue = string | number;
type OptionalNames<C extends S3ErrorCode> = (typeof s3Errors)[C] extends {
  readonly optional: readonly (infer N extends string)[];
}
  ? N
  : never;

/** The detail elements of one code: all that it requires, and none that it does not know. */
export type S3ErrorDetail<C extends S3ErrorCode> = Readonly<
  Record<(typeof s3Errors)[C]["detail"][number], DetailValue>
> &
  Readonly<Partial<Record<OptionalNames<C>, DetailValue>>>;

/** The catalogue's entry, with one type for every code. */
export function errorSpec(code: S3ErrorCode): ErrorSpec {
  return s3Errors[code];
}
