import type { Query } from "../addressing/query.ts";
import { keyBytes, parseCount, parseDelimiter, parseEncodingType, type EncodingType } from "./list-parameters.ts";
import { commonPrefixOf, firstKey, skipPrefix, type ListQuestion } from "./list-page.ts";
import { startBehind } from "./list-objects-v1.ts";
import { startsWith, type ListingCursor } from "./listing-cursor.ts";
import { compareUploads, encodeUploadMarker, findUploadMarker, type UploadPosition } from "./upload-position.ts";

export interface ListMultipartUploadsParameters {
  readonly prefix: string;
  readonly delimiter: string | null;
  readonly encodingType: EncodingType;
  /** Echoed. */
  readonly maxUploads: number;
  /** Echoed, empty too. */
  readonly keyMarker: string;
  /** Echoed, empty too; means nothing without a key marker. */
  readonly uploadIdMarker: string;
}

export interface ListedUpload<Upload> {
  readonly key: Buffer;
  readonly upload: Upload;
}

export interface ListMultipartUploadsPage<Upload> {
  /** By key, then start, then id. */
  readonly uploads: readonly ListedUpload<Upload>[];
  readonly commonPrefixes: readonly Buffer[];
  readonly isTruncated: boolean;
  /** Exactly when truncated. */
  readonly nextKeyMarker: string | null;
  /** null also behind a common prefix. */
  readonly nextUploadIdMarker: string | null;
}

/** Throws InvalidArgument. */
export function parseListMultipartUploads(query: Query): ListMultipartUploadsParameters {
  return {
    prefix: query.get("prefix") ?? "",
    delimiter: parseDelimiter(query),
    encodingType: parseEncodingType(query),
    maxUploads: parseCount(query, "max-uploads"),
    keyMarker: query.get("key-marker") ?? "",
    uploadIdMarker: query.get("upload-id-marker") ?? "",
  };
}

/**
 * `cursor`: the keys that have open uploads, in byte order; `read` gives all uploads of one key, in any order.
 * Throws InvalidArgument when the upload-id-marker does not belong to the key-marker.
 */
export function pageMultipartUploads<Upload extends UploadPosition>(
  cursor: ListingCursor<readonly Upload[]>,
  parameters: ListMultipartUploadsParameters,
): ListMultipartUploadsPage<Upload> {
  const question: ListQuestion = {
    prefix: keyBytes(parameters.prefix),
    delimiter: parameters.delimiter === null ? null : keyBytes(parameters.delimiter),
    start: startBehind(parameters.keyMarker),
    countMax: parameters.maxUploads,
  };
  const page = new UploadsPage<Upload>(parameters.maxUploads);
  page.take(restOfMarkerKey(cursor, parameters, question));
  let key = parameters.maxUploads === 0 || page.isTruncated ? null : firstKey(cursor, question);
  while (key !== null && !page.isTruncated && startsWith(key, question.prefix)) {
    const commonPrefix = commonPrefixOf(key, question);
    if (commonPrefix === null) {
      page.take(sorted(key, cursor.read()));
      key = cursor.next();
    } else {
      page.takePrefix(commonPrefix);
      key = skipPrefix(cursor, commonPrefix);
    }
  }
  return page.end();
}

/** The uploads of the key-marker itself that are behind the upload-id-marker. */
function restOfMarkerKey<Upload extends UploadPosition>(
  cursor: ListingCursor<readonly Upload[]>,
  parameters: ListMultipartUploadsParameters,
  question: ListQuestion,
): ListedUpload<Upload>[] {
  if (parameters.keyMarker === "" || parameters.uploadIdMarker === "") return [];
  const key = keyBytes(parameters.keyMarker);
  const found = cursor.seek(key);
  const uploads = found?.equals(key) === true ? cursor.read() : [];
  const marker = findUploadMarker(parameters.uploadIdMarker, uploads);
  const isListed = startsWith(key, question.prefix) && commonPrefixOf(key, question) === null;
  return isListed ? sorted(key, uploads).filter(({ upload }) => compareUploads(upload, marker) > 0) : [];
}

function sorted<Upload extends UploadPosition>(key: Buffer, uploads: readonly Upload[]): ListedUpload<Upload>[] {
  return uploads.toSorted(compareUploads).map((upload) => ({ key, upload }));
}

class UploadsPage<Upload extends UploadPosition> {
  readonly #countMax: number;
  readonly #uploads: ListedUpload<Upload>[] = [];
  readonly #commonPrefixes: Buffer[] = [];
  #last: { readonly key: Buffer; readonly upload: Upload | null } | null = null;
  #isTruncated = false;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  get isTruncated(): boolean {
    return this.#isTruncated;
  }

  take(uploads: readonly ListedUpload<Upload>[]): void {
    for (const listed of uploads) {
      if (this.#isFull()) return;
      this.#uploads.push(listed);
      this.#last = listed;
    }
  }

  takePrefix(prefix: Buffer): void {
    if (this.#isFull()) return;
    this.#commonPrefixes.push(prefix);
    this.#last = { key: prefix, upload: null };
  }

  /** Called only when there is something more to take: a full page is then a truncated one. */
  #isFull(): boolean {
    if (this.#uploads.length + this.#commonPrefixes.length < this.#countMax) return false;
    this.#isTruncated = this.#countMax > 0;
    return true;
  }

  end(): ListMultipartUploadsPage<Upload> {
    const last = this.#isTruncated ? this.#last : null;
    return {
      uploads: this.#uploads,
      commonPrefixes: this.#commonPrefixes,
      isTruncated: this.#isTruncated,
      nextKeyMarker: last === null ? null : last.key.toString("utf8"),
      nextUploadIdMarker: last === null || last.upload === null ? null : encodeUploadMarker(last.upload),
    };
  }
}
