import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it, vi } from "vitest";
import {
  AssertionFailure,
  createSeededRandom,
  silentLogger,
  silentMeter,
  systemClock,
  type Clock,
} from "@kakera/kernel";
import { createRim } from "../../src/http/create-rim.ts";
import type { ExchangeHandler } from "../../src/http/handle-exchange.ts";
import { InFlight } from "../../src/http/in-flight.ts";
import { RequestAccounts } from "../../src/http/request-accounts.ts";
import { createGatewayMetrics } from "../../src/metrics.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  closers.splice(0).forEach((close) => close());
});

it("a broken assumption is answered before it ends the process, which has no further turn", async () => {
  const ended = Promise.withResolvers<unknown>();
  const queue = queueMicrotask;
  vi.spyOn(globalThis, "queueMicrotask").mockImplementation((callback) =>
    queue(() => {
      try {
        callback();
      } catch (failure) {
        ended.resolve(failure);
      }
    }),
  );
  const clock: Clock = { ...systemClock, atTurnEnd: () => {} };
  const handler: ExchangeHandler = {
    logger: silentLogger,
    metrics: createGatewayMetrics(silentMeter),
    accounts: new RequestAccounts(silentMeter),
    watcher: null,
    clientAddressOf: () => "127.0.0.1",
    answer: () => Promise.reject(new AssertionFailure("two and two are four")),
  };
  const server = createServer();
  createRim({ clock, random: createSeededRandom(1), inFlight: new InFlight(), handler }).attach(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => (server.closeAllConnections(), server.close()));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket/key`);
  expect(response.status).toBe(500);
  expect(await response.text()).toContain("<Code>InternalError</Code>");
  expect(await ended.promise).toBeInstanceOf(AssertionFailure);
});
