import type { ServerResponse } from "node:http";
import { assert, MINUTE_MS, type Clock, type Timer } from "@kakera/kernel";
import type { BodySink } from "../bodies.ts";
import type { Exchange } from "./exchange.ts";
import { ClientGone } from "./incoming-bytes.ts";

/** A reader that does not take what it was last sent, a mebibyte or so, in so long holds buffers for nobody: its connection is cut. */
export const readerStallMsMax = 5 * MINUTE_MS;

/**
 * A sink onto the response's socket. A write resolves when the kernel has taken the bytes: then the buffer may be used
 * again, and the speed of the client is the speed of the fetch. `writeHead` is called before the first byte, so that a
 * failure before it can still be answered properly.
 */
export function createBodySink(exchange: Exchange, writeHead: () => void): BodySink {
  const { response, clock } = exchange;
  let isHeadWritten = false;
  const writeTogether = (pieces: readonly Buffer[]): Promise<void> => {
    if (response.destroyed || response.socket === null)
      return Promise.reject(new ClientGone("the reader closed the connection"));
    if (!isHeadWritten) {
      isHeadWritten = true;
      writeHead();
    }
    for (const bytes of pieces) exchange.sentBytes += bytes.byteLength;
    return writeToSocket(response, pieces, clock);
  };
  return { write: (bytes) => writeTogether([bytes]), writeTogether };
}

/** All pieces in one call of the kernel (writev). */
function writeToSocket(response: ServerResponse, pieces: readonly Buffer[], clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: Timer | null = null;
    const settle = (failure: Error | null): void => {
      timer?.cancel();
      response.off("close", onClose);
      if (failure === null) resolve();
      else reject(failure);
    };
    const onClose = (): void => settle(new ClientGone("the reader closed the connection"));
    const last = pieces.at(-1);
    assert(last !== undefined, "something is written");
    response.cork();
    for (const bytes of pieces.slice(0, -1)) response.write(bytes);
    const isTakenAtOnce = response.write(last, (failure) => {
      settle(failure === null || failure === undefined ? null : new ClientGone("the reader closed the connection"));
    });
    response.uncork();
    response.once("close", onClose);
    if (!isTakenAtOnce) timer = clock.setTimer(readerStallMsMax, () => response.destroy());
  });
}
