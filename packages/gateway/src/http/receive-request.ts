import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import type { RequestHead } from "@kakera/s3";

/** The head of a request as it came: nothing decoded, nothing merged. */
export function receiveRequest(request: IncomingMessage): RequestHead {
  return {
    method: request.method ?? "GET",
    target: request.url ?? "/",
    rawHeaders: request.rawHeaders,
    httpVersion: request.httpVersion,
    isTls: (request.socket as Partial<TLSSocket>).encrypted === true,
  };
}
