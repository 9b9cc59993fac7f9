import { formatIso } from "../dates.ts";
import type { ListObjectVersionsPage, ListObjectVersionsParameters } from "../listing/list-object-versions.ts";
import { nullVersionId } from "../version-id.ts";
import { documentXml, elementXml, optionalXml, ownerXml, type Owner } from "./document.ts";
import { commonPrefixesXml, keyXml, optionalKeyXml, type ListedObject } from "./list-objects.ts";

/** The answer of ListObjectVersions for an unversioned bucket: each object is its own, latest, version `null`. */
export function renderListObjectVersions(
  bucket: string,
  parameters: ListObjectVersionsParameters,
  answer: { readonly page: ListObjectVersionsPage<ListedObject>; readonly owner: Owner },
): string {
  const { page } = answer;
  const { encodingType } = parameters;
  const owner = ownerXml("Owner", answer.owner);
  let versions = "";
  for (const { key, item } of page.contents) {
    versions += `<Version><Key>${keyXml(key.toString("utf8"), encodingType)}</Key><VersionId>${nullVersionId}</VersionId><IsLatest>true</IsLatest><LastModified>${formatIso(item.lastModifiedMs)}</LastModified><ETag>&quot;${item.etag}&quot;</ETag><Size>${item.sizeBytes}</Size>${owner}<StorageClass>STANDARD</StorageClass></Version>`;
  }
  return documentXml(
    "ListVersionsResult",
    elementXml("Name", bucket) +
      optionalKeyXml("Prefix", parameters.prefix, encodingType) +
      optionalKeyXml("KeyMarker", parameters.keyMarker, encodingType) +
      elementXml("VersionIdMarker", parameters.versionIdMarker) +
      optionalKeyXml("NextKeyMarker", page.nextKeyMarker, encodingType) +
      optionalXml("NextVersionIdMarker", page.nextVersionIdMarker) +
      elementXml("MaxKeys", parameters.maxKeys) +
      optionalKeyXml("Delimiter", parameters.delimiter, encodingType) +
      optionalXml("EncodingType", encodingType) +
      `<IsTruncated>${page.isTruncated}</IsTruncated>` +
      versions +
      commonPrefixesXml(page.commonPrefixes, encodingType),
  );
}
