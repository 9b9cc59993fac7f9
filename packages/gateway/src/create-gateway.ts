import { createKeyQueue } from "@kakera/metadata";
import { SigningKeys } from "@kakera/s3";
import type { GatewayComponents, GatewaySettings, OperationParts } from "./gateway-parts.ts";
import { answerRequest, type RequestParts } from "./http/answer-request.ts";
import { createClientAddressOf } from "./http/client-address.ts";
import type { Pages } from "./http/beside-pages.ts";
import { createRim, type HttpServer } from "./http/create-rim.ts";
import { InFlight } from "./http/in-flight.ts";
import { RequestAccounts } from "./http/request-accounts.ts";
import { createGatewayMetrics } from "./metrics.ts";

export interface Gateway {
  /**
   * Serves S3, health, metrics and admin on this server, and drains it. It may be called for several servers. With `pages` the port is a
   * browser's: what is not signed is theirs, and no answer to what is signed can be rendered on their origin.
   */
  attach(server: HttpServer, pages?: Pages): void;
  /**
   * Turns ready to 503, lets what is in flight finish within `timeoutMs`, then closes the servers. Resolves to the number of requests
   * that were cut off.
   */
  drain(timeoutMs: number): Promise<number>;
  readonly inFlightCount: number;
}

/** Builds the S3 gateway. Nothing runs before a server is attached. */
export function createGateway(components: GatewayComponents, settings: GatewaySettings): Gateway {
  const { clock, random, logger, meter } = components;
  const inFlight = new InFlight();
  const accounts = new RequestAccounts(meter);
  const server = { ...requestParts(components, settings, () => inFlight.isDraining), accounts };
  const rim = createRim({
    clock,
    random,
    inFlight,
    traced: components.traced,
    handler: {
      logger,
      metrics: createGatewayMetrics(meter),
      accounts,
      watcher: components.watcher ?? null,
      clientAddressOf: createClientAddressOf(settings.trustedProxies ?? []),
      finished: components.finished,
      answer: (exchange, progress) => answerRequest(exchange, progress, server),
    },
  });
  return {
    attach: (httpServer, pages) => rim.attach(httpServer, pages),
    drain: (timeoutMs) => inFlight.drain(clock, timeoutMs),
    get inFlightCount() {
      return inFlight.count;
    },
  };
}

function requestParts(
  components: GatewayComponents,
  settings: GatewaySettings,
  isDraining: () => boolean,
): Omit<RequestParts, "accounts"> {
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
    isSessionLive: components.isSessionLive ?? ((session) => session === log.session),
    markSession: () => components.markSession ?? log.session,
  };
  const lookupSecret = (accessKey: string): string | null => credentials.lookup(accessKey);
  return {
    parts,
    health,
    admin,
    isDraining,
    verifier: { signingKeys: new SigningKeys(), lookupSecret },
    metrics: {
      text: metricsText,
      ofOthers: components.metricsOfOthers ?? (async () => []),
      access: settings.metricsAuth,
      secretOf: lookupSecret,
    },
  };
}
