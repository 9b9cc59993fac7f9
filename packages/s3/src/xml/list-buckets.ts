import { formatIso } from "../dates.ts";
import type { ListBucketsPage, ListBucketsParameters } from "../listing/list-buckets.ts";
import { documentXml, elementXml, optionalXml, ownerXml, type Owner } from "./document.ts";

export interface ListedBucket {
  readonly createdMs: number;
  readonly region: string;
}

/** The answer of ListBuckets. */
export function renderListBuckets(
  parameters: ListBucketsParameters,
  answer: { readonly page: ListBucketsPage<ListedBucket>; readonly owner: Owner },
): string {
  const buckets = answer.page.contents.map(
    ({ key, item }) =>
      `<Bucket>${elementXml("Name", key.toString("utf8"))}<CreationDate>${formatIso(item.createdMs)}</CreationDate>${elementXml("BucketRegion", item.region)}</Bucket>`,
  );
  return documentXml(
    "ListAllMyBucketsResult",
    `${ownerXml("Owner", answer.owner)}<Buckets>${buckets.join("")}</Buckets>` +
      optionalXml("ContinuationToken", answer.page.continuationToken) +
      optionalXml("Prefix", parameters.prefix),
  );
}
