import { KIB } from "@kakera/kernel";
import type { HeaderList } from "../answer.ts";
import type { Exchange } from "./exchange.ts";
import { drainedBodyBytesMax, lingerThenClose } from "./lingering-close.ts";

/** What becomes of the connection: `linger` when the client may still be sending more than we care to drop. */
export type ConnectionFate = "keep" | "close" | "linger";

/** Decided before the head is written, as the head announces it. */
export function fateOfConnection(exchange: Exchange): ConnectionFate {
  const { request, incoming } = exchange;
  if (!incoming.isComplete && hasBody(exchange)) {
    // A client that waits for 100 sends no body now, or sends it all the same: where its next request begins cannot be told.
    if (exchange.isExpecting && !incoming.isStarted) return "linger";
    if (incoming.isBroken) return "linger";
    const leftBytes = Number(request.headers["content-length"] ?? Number.NaN) - incoming.receivedBytes;
    if (!(leftBytes <= drainedBodyBytesMax)) return "linger";
  }
  return exchange.isDraining() ? "close" : "keep";
}

/** The head of every answer. `lengthBytes`: null = no Content-Length (a body of unknown length, or a status that has none). */
export function completeHead(
  exchange: Exchange,
  headers: HeaderList,
  parts: { readonly lengthBytes: number | null; readonly fate: ConnectionFate },
): string[] {
  const head = ["x-amz-request-id", exchange.requestId, "x-amz-id-2", exchange.hostId, "Server", "Kakera", ...headers];
  if (parts.lengthBytes !== null) head.push("Content-Length", String(parts.lengthBytes));
  if (parts.fate !== "keep") head.push("Connection", "close");
  return head;
}

/** Hands over the end of the body and lets the connection go its way. */
export function endResponse(exchange: Exchange, body: Uint8Array | null, fate: ConnectionFate): void {
  const { response, request, incoming } = exchange;
  exchange.sentBytes += body?.byteLength ?? 0;
  if (fate === "linger") {
    if (body === null) response.flushHeaders();
    else response.write(body);
    incoming.drop();
    return lingerThenClose(request, response, exchange.clock);
  }
  if (!incoming.isComplete && hasBody(exchange)) incoming.drop();
  if (body === null) response.end();
  else if (body.byteLength <= oneStringBytesMax) response.end(latin1Of(body), "latin1");
  else response.end(body);
}

/**
 * Node's writer of strings tries the socket from a buffer of 16 KiB on its stack, head and body in one; a head beside a Buffer goes by way
 * of a request object and a vector, which costs a small answer more than the copy.
 */
const oneStringBytesMax = 12 * KIB;

function latin1Of(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
}

function hasBody(exchange: Exchange): boolean {
  const { headers } = exchange.request;
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
