import { checksumText, type ObjectChecksum } from "../checksums/object-checksum.ts";
import type { UploadChecksum } from "../checksums/upload-checksum.ts";
import { formatIso } from "../dates.ts";
import type { ListMultipartUploadsPage, ListMultipartUploadsParameters } from "../listing/list-multipart-uploads.ts";
import type { ListPartsParameters, PartsPage } from "../listing/list-parts.ts";
import type { UploadPosition } from "../listing/upload-position.ts";
import { documentXml, elementXml, optionalXml, ownerXml, type Owner } from "./document.ts";
import { commonPrefixesXml, optionalKeyXml } from "./list-objects.ts";

export interface UploadName {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

export function renderInitiateMultipartUpload(upload: UploadName): string {
  return documentXml(
    "InitiateMultipartUploadResult",
    elementXml("Bucket", upload.bucket) + elementXml("Key", upload.key) + elementXml("UploadId", upload.uploadId),
  );
}

export interface CompletedObject {
  readonly bucket: string;
  readonly key: string;
  /** Where the object can be read. */
  readonly location: string;
  /** Bare. */
  readonly etag: string;
  readonly checksum: ObjectChecksum | null;
}

/** minio-go takes an answer without Bucket for an error. */
export function renderCompleteMultipartUpload(object: CompletedObject): string {
  return documentXml(
    "CompleteMultipartUploadResult",
    elementXml("Location", object.location) +
      elementXml("Bucket", object.bucket) +
      elementXml("Key", object.key) +
      elementXml("ETag", `"${object.etag}"`) +
      checksumXml(object.checksum),
  );
}

/** `<ChecksumCRC32>...</ChecksumCRC32><ChecksumType>...</ChecksumType>`, or nothing. */
export function checksumXml(checksum: ObjectChecksum | null): string {
  return checksum === null ? "" : checksumValueXml(checksum) + elementXml("ChecksumType", checksum.type);
}

/** The value alone, as parts have it. */
export function checksumValueXml(checksum: ObjectChecksum | null): string {
  return checksum === null ? "" : elementXml(`Checksum${checksum.algorithm}`, checksumText(checksum));
}

export interface StoredPartFacts {
  readonly partNumber: number;
  /** Bare. */
  readonly etag: string;
  readonly sizeBytes: number;
  readonly lastModifiedMs: number;
  readonly checksum: ObjectChecksum | null;
}

export function renderListParts(
  upload: UploadName & { readonly checksum: UploadChecksum | null },
  parameters: ListPartsParameters,
  answer: { readonly page: PartsPage<StoredPartFacts>; readonly owner: Owner },
): string {
  const { page, owner } = answer;
  const parts = page.parts.map(
    (part) =>
      `<Part><PartNumber>${part.partNumber}</PartNumber><LastModified>${formatIso(part.lastModifiedMs)}</LastModified><ETag>&quot;${part.etag}&quot;</ETag><Size>${part.sizeBytes}</Size>${checksumValueXml(part.checksum)}</Part>`,
  );
  return documentXml(
    "ListPartsResult",
    elementXml("Bucket", upload.bucket) +
      optionalKeyXml("Key", upload.key, parameters.encodingType) +
      elementXml("UploadId", upload.uploadId) +
      optionalXml("EncodingType", parameters.encodingType) +
      ownerXml("Initiator", owner) +
      ownerXml("Owner", owner) +
      "<StorageClass>STANDARD</StorageClass>" +
      uploadChecksumXml(upload.checksum) +
      elementXml("PartNumberMarker", parameters.partNumberMarker) +
      elementXml("NextPartNumberMarker", page.nextPartNumberMarker) +
      elementXml("MaxParts", parameters.maxParts) +
      `<IsTruncated>${page.isTruncated}</IsTruncated>` +
      parts.join(""),
  );
}

function uploadChecksumXml(checksum: UploadChecksum | null): string {
  return checksum === null
    ? ""
    : elementXml("ChecksumAlgorithm", checksum.algorithm) + elementXml("ChecksumType", checksum.type);
}

export interface OpenUpload extends UploadPosition {
  readonly checksum: UploadChecksum | null;
}

export function renderListMultipartUploads(
  bucket: string,
  parameters: ListMultipartUploadsParameters,
  answer: { readonly page: ListMultipartUploadsPage<OpenUpload>; readonly owner: Owner },
): string {
  const { page } = answer;
  const { encodingType } = parameters;
  const owner = ownerXml("Initiator", answer.owner) + ownerXml("Owner", answer.owner);
  let uploads = "";
  for (const { key, upload } of page.uploads) {
    uploads += `<Upload>${optionalKeyXml("Key", key.toString("utf8"), encodingType)}${elementXml("UploadId", upload.uploadId)}${owner}<StorageClass>STANDARD</StorageClass><Initiated>${formatIso(upload.startedMs)}</Initiated>${uploadChecksumXml(upload.checksum)}</Upload>`;
  }
  return documentXml(
    "ListMultipartUploadsResult",
    elementXml("Bucket", bucket) +
      optionalKeyXml("KeyMarker", parameters.keyMarker, encodingType) +
      elementXml("UploadIdMarker", parameters.uploadIdMarker) +
      optionalKeyXml("NextKeyMarker", page.nextKeyMarker, encodingType) +
      optionalXml("NextUploadIdMarker", page.nextUploadIdMarker) +
      optionalKeyXml("Prefix", parameters.prefix, encodingType) +
      optionalKeyXml("Delimiter", parameters.delimiter, encodingType) +
      optionalXml("EncodingType", encodingType) +
      elementXml("MaxUploads", parameters.maxUploads) +
      `<IsTruncated>${page.isTruncated}</IsTruncated>` +
      uploads +
      commonPrefixesXml(page.commonPrefixes, encodingType),
  );
}
