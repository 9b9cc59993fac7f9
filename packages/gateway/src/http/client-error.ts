import type { Socket } from "node:net";
import type { Clock } from "@kakera/kernel";
import { formatHttpDate, renderErrorXml, S3Error } from "@kakera/s3";
import { serverOptions } from "./server-settings.ts";

/** How long a socket that was answered may still send before it is destroyed. */
const lingerMsMax = 2_000;

/** What a parser error of node:http means to an S3 client. null: the connection is simply gone. */
export function errorOfParser(failure: Error & { code?: string }): S3Error | null {
  switch (failure.code) {
    case "ECONNRESET":
    case "EPIPE":
      return null;
    case "HPE_HEADER_OVERFLOW":
      return new S3Error("RequestHeaderSectionTooLarge", { MaxSizeAllowed: serverOptions.maxHeaderSize });
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new S3Error("RequestTimeout", {});
    case "HPE_INVALID_EOF_STATE":
      return new S3Error("IncompleteBody", {});
    default:
      return new S3Error("BadRequest", {}, "The request is not valid HTTP.");
  }
}

/** Answers on the bare socket, when the parser has given up before there was a request: AWS's XML instead of node's empty 400. */
export function answerOnSocket(
  socket: Socket,
  error: S3Error,
  ids: { requestId: string; hostId: string; clock: Clock },
): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = renderErrorXml(error, { resource: "/", requestId: ids.requestId, hostId: ids.hostId });
  const head = [
    `HTTP/1.1 ${error.status} ${error.code}`,
    `x-amz-request-id: ${ids.requestId}`,
    `x-amz-id-2: ${ids.hostId}`,
    `Date: ${formatHttpDate(ids.clock.nowMs())}`,
    "Server: Kakera",
    "Content-Type: application/xml",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  // What the client still sends is dropped for a moment: destroying at once would reset the connection under our answer.
  socket.removeAllListeners("data");
  socket.on("data", () => {});
  socket.resume();
  const timer = ids.clock.setTimer(lingerMsMax, () => socket.destroy());
  socket.once("close", () => timer.cancel());
}
