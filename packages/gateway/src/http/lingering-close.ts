import type { IncomingMessage, ServerResponse } from "node:http";
import { MIB, SECOND_MS, type Clock, type Timer } from "@kakera/kernel";

/** A refused body of at most this size is read and dropped, so that the connection lives on. */
export const drainedBodyBytesMax = 1 * MIB;
const lingerMsMax = 30 * SECOND_MS;
const silenceMsMax = 5 * SECOND_MS;

/**
 * Ends a connection whose client may still be sending. Closing a socket with unread input makes the kernel send a reset,
 * which destroys our answer before clients that write first and read later (Java, Go) have seen it: they report a broken
 * pipe instead of 403 or 412. So our side is closed, and what comes is read and dropped until the client closes, is silent, or
 * has had its time.
 *
 * Called when the complete answer, with `Connection: close`, was handed to `response.write` and `response.end` was not called:
 * node:http destroys the socket at `end`.
 */
export function lingerThenClose(request: IncomingMessage, response: ServerResponse, clock: Clock): void {
  const socket = request.socket;
  let silenceTimer: Timer;
  const lingerTimer = clock.setTimer(lingerMsMax, finish);
  const awaitMore = (): Timer => clock.setTimer(silenceMsMax, finish);
  function finish(): void {
    silenceTimer.cancel();
    lingerTimer.cancel();
    socket.destroy();
  }
  silenceTimer = awaitMore();
  request.removeAllListeners("data");
  request.on("data", () => {
    silenceTimer.cancel();
    silenceTimer = awaitMore();
  });
  request.once("end", finish);
  request.on("error", () => {});
  response.on("error", () => {});
  socket.once("close", finish);
  request.resume();
  // Half close: the answer and FIN go out, input stays open (node:http servers allow half-open sockets).
  socket.end();
}
