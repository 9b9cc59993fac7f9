import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { openGrpcClient } from "../src/etcd/drivers/grpc-client.ts";

/** etcd's own --grpc-keepalive-min-time: of three pings that come sooner, with nothing sent between them, it closes the connection. */
const pingMsMin = 5_000;

let server: Http2Server | null = null;
afterEach(() => server?.close());

test("an idle watch asks whether etcd is there, and not sooner than etcd permits", async () => {
  const pingsAtMs: number[] = [];
  const enough = Promise.withResolvers<void>();
  server = createServer();
  server.on("session", (session) => {
    session.on("ping", () => {
      pingsAtMs.push(performance.now());
      if (pingsAtMs.length === 3) enough.resolve();
    });
  });
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await listening;
  const client = openGrpcClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {});
  const watch = await client.watchClient.watch();
  watch.on("error", () => {}); // it is closed below
  await enough.promise;
  client.close();
  const pausesMs = pingsAtMs.slice(1).map((atMs, index) => atMs - (pingsAtMs[index] as number));
  // As much again as a busy machine may hold one of them back.
  for (const pauseMs of pausesMs) expect(pauseMs).toBeGreaterThan(pingMsMin + 1_000);
});
