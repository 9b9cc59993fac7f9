import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as HttpsServer } from "node:https";
import Koa from "koa";
import type { Clock, Random } from "@kakera/kernel";
import { AnswerBurst } from "./answer-burst.ts";
import { attachServer, Connections, type ServerRim } from "./attach-server.ts";
import type { Origin, Pages } from "./beside-pages.ts";
import type { RequestTracer } from "../finished-request.ts";
import { ClientPresence, type Exchange } from "./exchange.ts";
import { handleExchange, type ExchangeHandler } from "./handle-exchange.ts";
import { bodyRateRule, IncomingBytes } from "./incoming-bytes.ts";
import type { InFlight } from "./in-flight.ts";
import { newHostId, newRequestId } from "./request-ids.ts";
import { Turns } from "./turns.ts";

/** A server of node:http or node:https. */
export type HttpServer = Server | HttpsServer;

export interface RimParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly inFlight: InFlight;
  readonly handler: ExchangeHandler;
  readonly traced?: RequestTracer | undefined;
}

/** Where requests come in: from a server's events to exchanges, each counted from its head to the end of its answer. */
export function createRim(parts: RimParts): { attach(server: HttpServer, pages?: Pages): void } {
  const { clock, random, inFlight, handler, traced } = parts;
  const connections = new Connections();
  const turns = new Turns();
  const hostId = newHostId(random);
  const answers = new AnswerBurst(clock);
  const expecting = new WeakSet<IncomingMessage>();

  const open = (
    [request, response]: [IncomingMessage, ServerResponse],
    client: ClientPresence,
    origin: Origin,
  ): Exchange => {
    const isExpecting = expecting.has(request);
    const askToContinue = (): void => {
      if (isExpecting) response.writeContinue();
    };
    return {
      request,
      response,
      clock,
      hostId,
      isExpecting,
      origin,
      requestId: newRequestId(random),
      incoming: new IncomingBytes(request, { clock, rule: bodyRateRule, askToContinue }),
      client,
      answers,
      isDraining: () => inFlight.isDraining,
      sentBytes: 0,
      head: null,
    };
  };
  const serve = (exchange: Exchange): Promise<void> => {
    if (traced === undefined) return handleExchange(exchange, handler);
    const traceparent = exchange.request.headers["traceparent"];
    return traced(typeof traceparent === "string" ? traceparent : null, () => handleExchange(exchange, handler));
  };
  const serveInTurn = async (exchange: Exchange): Promise<void> => {
    if (await turns.of(exchange)) await serve(exchange);
  };
  const serveAt =
    (origin: Origin) =>
    (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const client = new ClientPresence();
      const exchange = open([request, response], client, origin);
      inFlight.begin();
      response.once("close", () => {
        inFlight.end();
        if (!response.writableFinished) client.leave();
      });
      connections.note(exchange);
      return response.socket === null ? serveInTurn(exchange) : serve(exchange);
    };
  const rimAt = (origin: Origin): ServerRim => {
    const handle = dispatchByKoa(serveAt(origin), expecting);
    return { clock, random, hostId, connections, handle };
  };
  return {
    attach(server, pages) {
      attachServer(server as Server, rimAt(pages === undefined ? "own" : "beside pages"), pages ?? null);
      inFlight.add(server as Server);
    },
  };
}

/**
 * Koa's own way to a middleware, without its watch for the end of the answer (three listeners a request): that watch answers what a
 * middleware throws, and ours throws nothing.
 */
class DispatchingKoa extends Koa {
  handleRequest(context: Koa.Context, middleware: (context: Koa.Context) => Promise<unknown>): Promise<unknown> {
    return middleware(context);
  }
}

/** Koa dispatches and no more: answering through its context would cost more than the whole of a small GET. */
function dispatchByKoa(
  serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  expecting: WeakSet<IncomingMessage>,
): ServerRim["handle"] {
  const koa = new DispatchingKoa();
  koa.use((context) => {
    context.respond = false;
    return serve(context.req, context.res);
  });
  const dispatch = koa.callback();
  return (request, response, body) => {
    if (body === "expects-continue") expecting.add(request);
    void dispatch(request, response);
  };
}
