import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock, Random } from "@kakera/kernel";
import { isSignedMessage, type Pages } from "./beside-pages.ts";
import { answerOnSocket, errorOfParser } from "./client-error.ts";
import type { Exchange } from "./exchange.ts";
import { newRequestId } from "./request-ids.ts";
import { applyServerSettings } from "./server-settings.ts";

/** What a connection has under way, so that a parser error on it is told to the right request. */
export class Connections {
  readonly #latest = new WeakMap<Socket, Exchange>();

  /** Called for each exchange when it begins. */
  note(exchange: Exchange): void {
    this.#latest.set(exchange.request.socket, exchange);
  }

  latest(socket: Socket): Exchange | null {
    return this.#latest.get(socket) ?? null;
  }
}

export interface ServerRim {
  readonly clock: Clock;
  readonly random: Random;
  readonly hostId: string;
  readonly connections: Connections;
  /** `expectsContinue`: nothing was told to the client yet. */
  handle(request: IncomingMessage, response: ServerResponse, body: "comes" | "expects-continue"): void;
}

/** Takes over a node:http or node:https server: its settings, its requests, and its parser's errors. Beside `pages` only what is signed. */
export function attachServer(server: Server, rim: ServerRim, pages: Pages | null): void {
  applyServerSettings(server);
  // Node's parser reads a socket by itself as long as nobody listens. Held back, which happens when a request meets an answer that is
  // not written out yet, it still gets the records that TLS has decrypted, and fails on them. A listener makes the stream keep them.
  server.on("secureConnection", (socket: Socket) => socket.on("data", () => {}));
  const take = (body: "comes" | "expects-continue") => (request: IncomingMessage, response: ServerResponse) => {
    if (pages === null || isSignedMessage(request)) rim.handle(request, response, body);
    else pages(request, response);
  };
  server.on("request", take("comes"));
  // With this listener node sends no "100 Continue" of its own: signature, bucket and conditions come first.
  server.on("checkContinue", take("expects-continue"));
  // Another expectation than 100-continue is none that anybody relies on.
  server.on("checkExpectation", take("comes"));
  const refused = new WeakSet<Socket>();
  server.on("clientError", (failure, duplex) => {
    const socket = duplex as Socket;
    // The parser reports again with each further packet.
    if (refused.has(socket)) return;
    refused.add(socket);
    refuse(socket, failure, rim);
  });
}

function refuse(socket: Socket, failure: Error, rim: ServerRim): void {
  const error = errorOfParser(failure);
  const latest = rim.connections.latest(socket);
  if (error === null) {
    socket.destroy();
    return;
  }
  const answer = (): void =>
    answerOnSocket(socket, error, { requestId: newRequestId(rim.random), hostId: rim.hostId, clock: rim.clock });
  if (latest === null || latest.response.closed || latest.response.writableFinished) return answer();
  // Within the body of a request that is being served: it fails there, and is answered in its turn.
  if (!latest.request.complete) return latest.incoming.fail(error);
  // Behind requests that are not answered yet: after them.
  latest.response.once("close", answer);
}
