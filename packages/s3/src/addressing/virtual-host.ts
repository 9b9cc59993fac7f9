import { isPossibleBucketName } from "./bucket-name.ts";

/**
 * The bucket in a Host header ("b.s3.example.com:9000" -> "b"), or null for path style. `domains`: lower case, without port;
 * localhost is always one, so that `http://b.localhost:9000/` works out of the box.
 */
export function bucketFromHost(host: string, domains: readonly string[]): string | null {
  const name = hostName(host).toLowerCase();
  if (name === "localhost" || domains.includes(name)) return null;
  let bucket = bucketBefore(name, "localhost");
  for (const domain of domains) {
    const candidate = bucketBefore(name, domain);
    // Of two domains that both fit, the longer one says more.
    if (candidate !== null && (bucket === null || candidate.length < bucket.length)) bucket = candidate;
  }
  return bucket;
}

function bucketBefore(name: string, domain: string): string | null {
  const length = name.length - domain.length - 1;
  if (length <= 0 || !name.endsWith(domain) || name.charCodeAt(length) !== 0x2e) return null;
  const bucket = name.slice(0, length);
  return isPossibleBucketName(bucket) ? bucket : null;
}

/** Without its port; "[::1]:9000" -> "[::1]". */
function hostName(host: string): string {
  if (host.startsWith("[")) return host.slice(0, host.indexOf("]") + 1);
  const colon = host.indexOf(":");
  return colon < 0 ? host : host.slice(0, colon);
}
