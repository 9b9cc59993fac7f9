import { encodePercentPath } from "../addressing/percent.ts";
import { formatIso } from "../dates.ts";
import type { ListObjectsPage, ListObjectsParameters } from "../listing/list-objects-v1.ts";
import type { ListObjectsV2Page, ListObjectsV2Parameters } from "../listing/list-objects-v2.ts";
import type { EncodingType } from "../listing/list-parameters.ts";
import type { Listed } from "../listing/list-page.ts";
import type { ChecksumAlgorithm, ChecksumType } from "../checksums/algorithms.ts";
import { documentXml, elementXml, optionalXml, ownerXml, type Owner } from "./document.ts";
import { escapeXml } from "./escape.ts";

/** One object, as a listing shows it. */
export interface ListedObject {
  /** Bare. */
  readonly etag: string;
  readonly sizeBytes: number;
  readonly lastModifiedMs: number;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType } | null;
}

/** Text of a key, prefix or marker: percent-encoded when the client asked for it, else escaped. */
export function keyXml(text: string, encodingType: EncodingType): string {
  // What percent encoding leaves needs no escaping.
  return encodingType === "url" ? encodePercentPath(text) : escapeXml(text);
}

export function optionalKeyXml(name: string, text: string | null, encodingType: EncodingType): string {
  return text === null ? "" : `<${name}>${keyXml(text, encodingType)}</${name}>`;
}

/** The answer of ListObjectsV2. */
export function renderListObjectsV2(
  bucket: string,
  parameters: ListObjectsV2Parameters,
  answer: { readonly page: ListObjectsV2Page<ListedObject>; readonly owner: Owner },
): string {
  const { page } = answer;
  const { encodingType } = parameters;
  const owner = parameters.isOwnerWanted ? ownerXml("Owner", answer.owner) : "";
  return documentXml(
    "ListBucketResult",
    elementXml("Name", bucket) +
      optionalKeyXml("Prefix", parameters.prefix, encodingType) +
      optionalKeyXml("StartAfter", parameters.startAfter, encodingType) +
      optionalXml("ContinuationToken", parameters.continuationToken) +
      optionalXml("NextContinuationToken", page.nextContinuationToken) +
      elementXml("KeyCount", page.contents.length + page.commonPrefixes.length) +
      elementXml("MaxKeys", parameters.maxKeys) +
      optionalKeyXml("Delimiter", parameters.delimiter, encodingType) +
      optionalXml("EncodingType", encodingType) +
      `<IsTruncated>${page.isTruncated}</IsTruncated>` +
      contentsXml(page.contents, encodingType, owner) +
      commonPrefixesXml(page.commonPrefixes, encodingType),
  );
}

/** A page has up to a thousand of these: one string, no intermediate lists. `owner`: XML, or "". */
function contentsXml(contents: readonly Listed<ListedObject>[], encodingType: EncodingType, owner: string): string {
  let xml = "";
  for (const { key, item } of contents) {
    xml += `<Contents><Key>${keyXml(key.toString("utf8"), encodingType)}</Key><LastModified>${formatIso(item.lastModifiedMs)}</LastModified><ETag>&quot;${item.etag}&quot;</ETag>`;
    if (item.checksum !== null) {
      xml += `<ChecksumAlgorithm>${item.checksum.algorithm}</ChecksumAlgorithm><ChecksumType>${item.checksum.type}</ChecksumType>`;
    }
    xml += `<Size>${item.sizeBytes}</Size>${owner}<StorageClass>STANDARD</StorageClass></Contents>`;
  }
  return xml;
}

export function commonPrefixesXml(commonPrefixes: readonly Buffer[], encodingType: EncodingType): string {
  let xml = "";
  for (const prefix of commonPrefixes) {
    xml += `<CommonPrefixes><Prefix>${keyXml(prefix.toString("utf8"), encodingType)}</Prefix></CommonPrefixes>`;
  }
  return xml;
}

/** The answer of ListObjects, version 1: every entry has its owner. */
export function renderListObjects(
  bucket: string,
  parameters: ListObjectsParameters,
  answer: { readonly page: ListObjectsPage<ListedObject>; readonly owner: Owner },
): string {
  const { page } = answer;
  const { encodingType } = parameters;
  return documentXml(
    "ListBucketResult",
    elementXml("Name", bucket) +
      optionalKeyXml("Prefix", parameters.prefix, encodingType) +
      optionalKeyXml("Marker", parameters.marker, encodingType) +
      optionalKeyXml("NextMarker", page.nextMarker, encodingType) +
      elementXml("MaxKeys", parameters.maxKeys) +
      optionalKeyXml("Delimiter", parameters.delimiter, encodingType) +
      optionalXml("EncodingType", encodingType) +
      `<IsTruncated>${page.isTruncated}</IsTruncated>` +
      contentsXml(page.contents, encodingType, ownerXml("Owner", answer.owner)) +
      commonPrefixesXml(page.commonPrefixes, encodingType),
  );
}
