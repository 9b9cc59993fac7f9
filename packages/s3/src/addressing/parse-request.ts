import { S3Error } from "../errors/s3-error.ts";
import { hoistPresignedHeaders, isPresignedQuery } from "../signature/presigned-query.ts";
import { isPossibleBucketName } from "./bucket-name.ts";
import { HeaderIndex } from "./header-index.ts";
import { decodeObjectKey, invalidUri, type ObjectKey } from "./object-key.ts";
import { decodePercent, utf8Text } from "./percent.ts";
import { parseQuery, type Query } from "./query.ts";
import type { RequestHead } from "./request-head.ts";
import { splitTarget } from "./split-target.ts";
import { bucketFromHost } from "./virtual-host.ts";

/** A request whose target and headers have been read; nothing in it is proved yet. */
export interface S3Request {
  readonly method: string;
  readonly isTls: boolean;
  /** As sent: what a signature covers. */
  readonly wireHeaders: HeaderIndex;
  /** What operations read: as sent, plus the x-amz-* parameters of a presigned query, which count as headers. */
  readonly headers: HeaderIndex;
  /** As sent, one char per byte; begins with "/". */
  readonly rawPath: string;
  readonly query: Query;
  /** As sent, with its port; "" when there is none (HTTP/1.0). */
  readonly host: string;
  readonly style: "path" | "virtual-host";
  /** null for the service itself. */
  readonly bucket: string | null;
  /** null for the bucket or the service. */
  readonly key: ObjectKey | null;
  /** "/", "/bucket" or "/bucket/key": the Resource of an error. */
  readonly resource: string;
}

export interface AddressingSettings {
  /** Virtual host domains, lower case, without port. localhost need not be among them. */
  readonly domains: readonly string[];
}

/**
 * Reads the raw head, so that no router or URL class decodes or shortens it first.
 * Throws InvalidURI, InvalidBucketName, KeyTooLongError, InvalidRequest (two Host headers, or a target for another host).
 */
export function parseRequest(head: RequestHead, settings: AddressingSettings): S3Request {
  const target = splitTarget(head.target);
  if (target === null) throw invalidUri(head.target);
  const wireHeaders = new HeaderIndex(head.rawHeaders);
  const host = readHost(wireHeaders, target.authority);
  const query = parseQuery(target.rawQuery);
  const headers = isPresignedQuery(query) ? hoistPresignedHeaders(wireHeaders, query) : wireHeaders;
  const hostBucket = bucketFromHost(host, settings.domains);
  const address = hostBucket === null ? addressByPath(target.rawPath) : addressByHost(hostBucket, target.rawPath);
  const { bucket, key } = address;
  const resource = bucket === null ? "/" : key === null ? `/${bucket}` : `/${bucket}/${key.text}`;
  return {
    method: head.method,
    isTls: head.isTls,
    wireHeaders,
    headers,
    rawPath: target.rawPath,
    query,
    host,
    style: hostBucket === null ? "path" : "virtual-host",
    bucket,
    key,
    resource,
  };
}

interface Address {
  readonly bucket: string | null;
  readonly key: ObjectKey | null;
}

function addressByPath(rawPath: string): Address {
  if (rawPath === "/" || rawPath === "*") return { bucket: null, key: null };
  const slash = rawPath.indexOf("/", 1);
  const rawBucket = slash < 0 ? rawPath.slice(1) : rawPath.slice(1, slash);
  const bytes = decodePercent(rawBucket);
  const bucket = bytes === null ? null : utf8Text(bytes);
  if (bucket === null || bucket === "..") throw invalidUri(rawPath);
  if (!isPossibleBucketName(bucket)) throw new S3Error("InvalidBucketName", { BucketName: bucket });
  return { bucket, key: slash < 0 ? null : readKey(rawPath, slash + 1) };
}

function addressByHost(bucket: string, rawPath: string): Address {
  return { bucket, key: rawPath === "*" ? null : readKey(rawPath, 1) };
}

/** null when nothing follows: "/bucket/" names the bucket. */
function readKey(rawPath: string, start: number): ObjectKey | null {
  if (start >= rawPath.length) return null;
  const key = decodeObjectKey(rawPath.slice(start));
  if (key === null) throw invalidUri(rawPath);
  return key;
}

/** X-Forwarded-Host is not looked at: anyone may send it. Two hosts in one request are how requests get smuggled. */
function readHost(headers: HeaderIndex, authority: string | null): string {
  const hosts = headers.all("host");
  const host = hosts[0];
  if (hosts.length > 1) throw new S3Error("InvalidRequest", {}, "The request has more than one Host header.");
  if (authority === null) return host ?? "";
  if (host !== undefined && host.toLowerCase() !== authority.toLowerCase()) {
    throw new S3Error("InvalidRequest", {}, "The request target and the Host header name different hosts.");
  }
  return authority;
}
