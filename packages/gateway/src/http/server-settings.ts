import type { Server, ServerOptions } from "node:http";
import { KIB, SECOND_MS } from "@kakera/kernel";

/** Milvus' and the SDKs' pools keep idle connections for 60-90 s: node:http's 5 s would race with their next request. */
const keepAliveMs = 75 * SECOND_MS;
const headersMsMax = 15 * SECOND_MS;

/** Options of the node:http or node:https server that a gateway is attached to. */
export const serverOptions = {
  // A body has a minimum rate instead (http/incoming-bytes): 300 s in all would cut a slow upload of 5 GiB.
  requestTimeout: 0,
  headersTimeout: headersMsMax,
  connectionsCheckingInterval: 5 * SECOND_MS,
  keepAliveTimeout: keepAliveMs,
  // Room for a key and a copy source of 1024 bytes, every byte percent-encoded, 2 KiB of metadata and a long presigned query.
  maxHeaderSize: 16 * KIB,
  insecureHTTPParser: false,
  // Refused as S3 XML by receive-request instead of by a bare 400.
  requireHostHeader: false,
  noDelay: true,
  keepAlive: true,
  highWaterMark: 64 * KIB,
} as const satisfies ServerOptions;

/** What can be set only on the server itself. */
export function applyServerSettings(server: Server): void {
  // Beyond this count node:http drops headers in silence, and a signature over them fails; maxHeaderSize bounds them already.
  server.maxHeadersCount = 0;
  server.requestTimeout = serverOptions.requestTimeout;
  server.headersTimeout = serverOptions.headersTimeout;
  server.keepAliveTimeout = serverOptions.keepAliveTimeout;
  server.timeout = 0;
  // A client may close its sending side when its request is out (`nc -N`, some proxies): its answer is still due. Node's own
  // default closes ours at once, also after a commit.
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
}
