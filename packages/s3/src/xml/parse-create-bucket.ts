import { KIB } from "@kakera/kernel";
import { S3Error } from "../errors/s3-error.ts";
import type { Tag } from "../tagging.ts";
import { taggingBytesMax, parseTags } from "./parse-tagging.ts";
import { childrenNamed, childText, readXmlDocument } from "./read-document.ts";

export interface CreateBucketConfiguration {
  /** Any is accepted: a client's idea of a region says nothing about ours. */
  readonly locationConstraint: string | null;
  readonly tags: readonly Tag[];
}

/** `body`: may be empty. Throws MalformedXML, NotImplemented (directory buckets). */
export function parseCreateBucketConfiguration(body: Buffer): CreateBucketConfiguration {
  if (body.length === 0) return { locationConstraint: null, tags: [] };
  const root = readXmlDocument(body, { rootName: "CreateBucketConfiguration", bytesMax: taggingBytesMax + KIB });
  for (const name of ["Location", "Bucket"]) {
    if (childrenNamed(root, name).length > 0)
      throw new S3Error("NotImplemented", {}, "Directory buckets are not implemented.");
  }
  return {
    locationConstraint: childText(root, "LocationConstraint"),
    tags: childrenNamed(root, "Tags").flatMap(parseTags),
  };
}
