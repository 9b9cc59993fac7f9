import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Who sends so many requests ahead of their answers is no client of S3: each of them is kept until its turn. */
export const waitingMax = 128;

/** Requests whose connection is still at the answers before theirs. */
export class Turns {
  readonly #waiting = new WeakMap<Socket, number>();

  /**
   * Resolves when the answers before this one on its connection have left; false: the connection closed before. Also a client that does not
   * pipeline is met here: it may have the whole of a body, and send its next request, before the socket has told us that the body is out (seen
   * of one GET in fifty over TLS on a busy machine). Served in turn, what is pipelined sees what was asked before it, a body that waits
   * holds no memory, and nothing has to end an answer that has no socket: node marks such a one as destroyed and keeps its connection.
   */
  async of({ request, response }: { request: IncomingMessage; response: ServerResponse }): Promise<boolean> {
    const { socket } = request;
    const waitingCount = this.#countOf(socket) + 1;
    this.#waiting.set(socket, waitingCount);
    if (waitingCount > waitingMax) socket.destroy();
    const isItsTurn = await new Promise<boolean>((resolve) => {
      response.once("socket", () => resolve(true));
      response.once("close", () => resolve(false));
    });
    this.#waiting.set(socket, this.#countOf(socket) - 1);
    return isItsTurn;
  }

  #countOf(socket: Socket): number {
    return this.#waiting.get(socket) ?? 0;
  }
}
