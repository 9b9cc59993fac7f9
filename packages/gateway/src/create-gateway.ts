import type { IncomingMessage, Server, ServerResponse } from "node:http";
import Koa from "koa";
import { createKeyQueue } from "@kakera/metadata";
import { SigningKeys } from "@kakera/s3";
import type { GatewayComponents, GatewaySettings, OperationParts } from "./gateway-parts.ts";
import { answerRequest, type RequestParts } from "./http/answer-request.ts";
import { attachServer, Connections, type ServerRim } from "./http/attach-server.ts";
import { signalOfClient, type Exchange } from "./http/exchange.ts";
import { handleExchange } from "./http/handle-exchange.ts";
import { bodyRateRule, IncomingBytes } from "./http/incoming-bytes.ts";
import { InFlight } from "./http/in-flight.ts";
import { newHostId, newRequestId } from "./http/request-ids.ts";
import { ReadRegister } from "./operations/steps/read-register.ts";
import { createGatewayMetrics } from "./metrics.ts";

export interface Gateway {
  /** Serves S3, health, metrics and admin on this node:http or node:https server, and drains it. */
  attach(server: Server): void;
  /**
   * Turns ready to 503, lets what is in flight finish within `timeoutMs`, then closes the servers. Resolves to the number of requests
   * that were cut off.
   */
  drain(timeoutMs: number): Promise<number>;
  readonly inFlightCount: number;
  /** Every read of bodies that is under way began at this revision of the log or later (correctness.md F7). */
  readonly readFloorRevision: number;
}

/** Builds the S3 gateway. Nothing runs before a server is attached. */
export function createGateway(components: GatewayComponents, settings: GatewaySettings): Gateway {
  const { clock, random, logger } = components;
  const inFlight = new InFlight();
  const connections = new Connections();
  const hostId = newHostId(random);
  const server = requestParts(components, settings, () => inFlight.isDraining);
  const handler = {
    logger,
    metrics: createGatewayMetrics(components.meter),
    answer: (exchange: Exchange, progress: Parameters<typeof answerRequest>[1]) =>
      answerRequest(exchange, progress, server),
  };

  const expecting = new WeakSet<IncomingMessage>();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const exchange = openExchange(request, response, expecting.has(request));
    inFlight.begin();
    response.once("close", () => inFlight.end());
    connections.note(exchange);
    await handleExchange(exchange, handler);
  };
  const openExchange = (request: IncomingMessage, response: ServerResponse, isExpecting: boolean): Exchange => ({
    request,
    response,
    clock,
    hostId,
    isExpecting,
    requestId: newRequestId(random),
    incoming: new IncomingBytes(request, {
      clock,
      rule: bodyRateRule,
      askToContinue: () => {
        if (isExpecting) response.writeContinue();
      },
    }),
    signal: signalOfClient(response),
    isDraining: () => inFlight.isDraining,
    sentBytes: 0,
  });

  const rim: ServerRim = { clock, random, hostId, connections, handle: dispatchByKoa(serve, expecting) };
  return {
    attach(httpServer) {
      attachServer(httpServer, rim);
      inFlight.add(httpServer);
    },
    drain: (timeoutMs) => inFlight.drain(clock, timeoutMs),
    get inFlightCount() {
      return inFlight.count;
    },
    get readFloorRevision() {
      return server.parts.reads.floor(components.log.status().revision);
    },
  };
}

/** Koa dispatches and no more: answering through its context would cost more than the whole of a small GET. */
function dispatchByKoa(
  serve: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  expecting: WeakSet<IncomingMessage>,
): ServerRim["handle"] {
  const koa = new Koa();
  koa.silent = true;
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

function requestParts(
  components: GatewayComponents,
  settings: GatewaySettings,
  isDraining: () => boolean,
): RequestParts {
  const { log, bodies, clock, random, logger, failpoints, credentials, health, admin, metricsText } = components;
  const parts: OperationParts = {
    log,
    bodies,
    clock,
    random,
    logger,
    failpoints,
    settings,
    keyQueue: createKeyQueue(),
    reads: new ReadRegister(),
    isSessionLive: components.isSessionLive ?? ((session) => session === log.session),
  };
  const lookupSecret = (accessKey: string): string | null => credentials.lookup(accessKey);
  return {
    parts,
    health,
    admin,
    isDraining,
    verifier: { signingKeys: new SigningKeys(), lookupSecret },
    metrics: { text: metricsText, access: settings.metricsAuth, secretOf: lookupSecret },
  };
}
