import type { ServerResponse } from "node:http";
import { KIB } from "@kakera/kernel";
import type { HeaderList } from "../answer.ts";
import type { BytesAtHand } from "../bodies.ts";
import { asOpaque } from "./beside-pages.ts";
import { readerStallMsMax } from "./body-sink.ts";
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
  const told = exchange.origin === "own" ? headers : asOpaque(headers, exchange.request.method);
  const head = ["x-amz-request-id", exchange.requestId, "x-amz-id-2", exchange.hostId, "Server", "Kakera", ...told];
  if (parts.lengthBytes !== null) head.push("Content-Length", String(parts.lengthBytes));
  if (parts.fate !== "keep") head.push("Connection", "close");
  exchange.head = { headers: head, atMs: exchange.clock.monotonicMs() };
  return head;
}

/** Hands over the end of the body, by the end of this turn of the event loop, and lets the connection go its way. */
export function endResponse(exchange: Exchange, body: BytesAtHand | null, fate: ConnectionFate): void {
  const { response, request, incoming } = exchange;
  exchange.sentBytes += body === null ? 0 : lengthOf(body);
  if (fate === "linger") {
    if (body === null) response.flushHeaders();
    else if (body.kind === "text") response.write(body.latin1, "latin1");
    else response.write(body.bytes);
    incoming.drop();
    lingerThenClose(request, response, exchange.clock);
  } else {
    if (!incoming.isComplete && hasBody(exchange)) incoming.drop();
    // The client may have all of a body that was streamed, and its next request must not meet an answer that is not ended.
    if (body === null && exchange.sentBytes > 0) response.end();
    else exchange.answers.join(() => endWith(response, body));
  }
}

function endWith(response: ServerResponse, body: BytesAtHand | null): void {
  if (body === null) response.end();
  else if (body.kind === "text") response.end(body.latin1, "latin1");
  else response.end(body.bytes);
}

/** The bytes of a body in their cheapest form; `body` may be anything that an answer holds. */
export function bytesAtHand(body: string | Uint8Array | BytesAtHand): BytesAtHand {
  if (typeof body === "string") return bytesAtHand(Buffer.from(body, "utf8"));
  if (!(body instanceof Uint8Array)) return body;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (bytes.byteLength > oneStringBytesMax) return { kind: "bytes", bytes, release: () => {} };
  return { kind: "text", latin1: bytes.toString("latin1") };
}

export function lengthOf(body: BytesAtHand): number {
  return body.kind === "text" ? body.latin1.length : body.bytes.byteLength;
}

/** The socket may use the bytes until the answer is sent or its connection is gone; a reader that takes nothing is cut off. */
export function releaseWhenClosed({ response, clock }: Exchange, body: BytesAtHand & { kind: "bytes" }): void {
  if (response.closed) return body.release();
  const timer = clock.setTimer(readerStallMsMax, () => response.destroy());
  response.once("close", () => {
    timer.cancel();
    body.release();
  });
}

/**
 * Node's writer of strings tries the socket from a buffer of 16 KiB on its stack, head and body in one; a head beside a Buffer goes by way
 * of a request object and a vector, which costs a small answer more than the copy.
 */
const oneStringBytesMax = 12 * KIB;

function hasBody(exchange: Exchange): boolean {
  const { headers } = exchange.request;
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
