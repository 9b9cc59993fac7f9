import { MIB } from "@kakera/kernel";
import { checksumAlgorithms, type ChecksumAlgorithm } from "../checksums/algorithms.ts";
import { S3Error } from "../errors/s3-error.ts";
import { unquoteEtag } from "../etag.ts";
import { partNumberMax } from "../part-number.ts";
import { malformedXml } from "./malformed-xml.ts";
import { childrenNamed, childText, readXmlDocument, requiredText } from "./read-document.ts";
import type { XmlElement } from "./read-tree.ts";

/** One part as CompleteMultipartUpload lists it. */
export interface ListedPart {
  readonly partNumber: number;
  /** Bare. */
  readonly etag: string;
  /** As sent (base64), not decoded yet. */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly text: string } | null;
}

/** 10,000 parts with a SHA-256 each take 2 MiB. */
export const completeBytesMax = 4 * MIB;

/** Throws MalformedXML (also for no part at all), InvalidArgument (a part number out of bounds), InvalidRequest (an unknown checksum). */
export function parseCompleteMultipartUpload(body: Buffer): ListedPart[] {
  const root = readXmlDocument(body, { rootName: "CompleteMultipartUpload", bytesMax: completeBytesMax });
  const parts = childrenNamed(root, "Part").map(parsePart);
  if (parts.length === 0) throw malformedXml("There is no Part.");
  if (parts.length > partNumberMax) throw malformedXml(`There are more than ${partNumberMax} parts.`);
  return parts;
}

function parsePart(part: XmlElement): ListedPart {
  const numberText = requiredText(part, "PartNumber").trim();
  if (!/^-?\d+$/.test(numberText)) throw malformedXml("A PartNumber is not a number.");
  const partNumber = Number(numberText);
  if (partNumber < 1 || partNumber > partNumberMax) {
    throw new S3Error(
      "InvalidArgument",
      { ArgumentName: "partNumber", ArgumentValue: numberText },
      `Part number must be an integer between 1 and ${partNumberMax}, inclusive`,
    );
  }
  return { partNumber, etag: unquoteEtag(requiredText(part, "ETag")), checksum: parseChecksum(part) };
}

function parseChecksum(part: XmlElement): ListedPart["checksum"] {
  let found: ListedPart["checksum"] = null;
  for (const { name } of part.children) {
    if (!name.startsWith("Checksum")) continue;
    const algorithm = checksumAlgorithms.find((candidate) => `Checksum${candidate}` === name);
    if (algorithm === undefined) throw new S3Error("InvalidRequest", {}, `${name} is not supported here.`);
    if (found !== null) throw malformedXml("A Part has more than one checksum.");
    found = { algorithm, text: childText(part, name)!.trim() };
  }
  return found;
}
