import { assertNever } from "@kakera/kernel";
import { errorHeaders, headErrorHeaders, renderErrorXml, type S3Error } from "@kakera/s3";
import type { Answer } from "../answer.ts";
import { createBodySink } from "./body-sink.ts";
import {
  bytesAtHand,
  completeHead,
  endResponse,
  fateOfConnection,
  lengthOf,
  releaseWhenClosed,
} from "./end-response.ts";
import type { Exchange } from "./exchange.ts";
import { sendSlowAnswer } from "./send-slow-answer.ts";

/**
 * Sends one answer and resolves to its status when it was handed to the socket. Rejects with what a stream's `send` threw
 * before its first byte: nothing has been sent then. After the first byte the connection is destroyed instead.
 */
export function sendAnswer(exchange: Exchange, answer: Answer): Promise<number> {
  switch (answer.kind) {
    case "whole":
      return sendWhole(exchange, answer);
    case "stream":
      return sendStream(exchange, answer);
    case "slow":
      return sendSlowAnswer(exchange, answer);
    default:
      return assertNever(answer);
  }
}

/** The one place where an error becomes a response. `resource`: what was asked for. */
export function sendError(exchange: Exchange, error: S3Error, resource: string): Promise<number> {
  if (exchange.request.method === "HEAD") {
    const headers = [...errorHeaders(error), ...headErrorHeaders(error), "Content-Type", "application/xml"];
    return sendWhole(exchange, { kind: "whole", status: error.status, headers, body: null });
  }
  const body = renderErrorXml(error, { resource, requestId: exchange.requestId, hostId: exchange.hostId });
  const headers = ["Content-Type", "application/xml", ...errorHeaders(error)];
  return sendWhole(exchange, { kind: "whole", status: error.status, headers, body });
}

async function sendWhole(exchange: Exchange, answer: Answer & { kind: "whole" }): Promise<number> {
  const { response, request } = exchange;
  const body = answer.body === null ? null : bytesAtHand(answer.body);
  if (body?.kind === "bytes") releaseWhenClosed(exchange, body);
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return answer.status;
  }
  const lengthBytes = body === null ? 0 : lengthOf(body);
  const fate = fateOfConnection(exchange);
  response.writeHead(
    answer.status,
    completeHead(exchange, answer.headers, { lengthBytes: hasNoBody(answer.status) ? null : lengthBytes, fate }),
  );
  const isBodySent = request.method !== "HEAD" && lengthBytes > 0;
  endResponse(exchange, isBodySent ? body : null, fate);
  return answer.status;
}

async function sendStream(exchange: Exchange, answer: Answer & { kind: "stream" }): Promise<number> {
  const { response } = exchange;
  const fate = fateOfConnection(exchange);
  const writeHead = (): void => {
    response.writeHead(
      answer.status,
      completeHead(exchange, answer.headers, { lengthBytes: answer.lengthBytes, fate }),
    );
  };
  if (exchange.request.method === "HEAD" || answer.lengthBytes === 0) {
    writeHead();
    endResponse(exchange, null, fate);
    return answer.status;
  }
  try {
    await answer.send(createBodySink(exchange, writeHead), exchange.client.signal);
  } catch (failure) {
    if (!response.headersSent) throw failure;
    // Short of its Content-Length: a body is never ended as if it were whole.
    response.destroy();
    throw new StreamBroken(answer.status, failure);
  }
  endResponse(exchange, null, fate);
  return answer.status;
}

/** The body broke after its head had gone out; the connection is destroyed already. */
export class StreamBroken extends Error {
  override readonly name = "StreamBroken";
  readonly status: number;

  constructor(status: number, cause: unknown) {
    super("the answer broke after its head was sent", { cause });
    this.status = status;
  }
}

function hasNoBody(status: number): boolean {
  return status === 204 || status === 304;
}
