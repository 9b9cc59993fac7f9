import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createManualClock, MINUTE_MS, type ManualClock } from "@kakera/kernel";
import { afterEach, describe, expect, test } from "vitest";
import type { BodySink } from "../../src/bodies.ts";
import { createBodySink } from "../../src/http/body-sink.ts";
import type { Exchange } from "../../src/http/exchange.ts";

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

interface Served {
  readonly sink: BodySink;
  readonly exchange: { sentBytes: number };
  readonly response: ServerResponse;
  readonly clock: ManualClock;
  /** Calls of the kernel that took body bytes, by their number of pieces. */
  readonly calls: number[];
}

/** A request to a real server, and the sink of its answer. */
async function serve(sizeBytes: number): Promise<{ readonly served: Served; readonly answer: Promise<Buffer> }> {
  const clock = createManualClock();
  const calls: number[] = [];
  const begun = Promise.withResolvers<Served>();
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const exchange = { response, clock, sentBytes: 0, request } as unknown as Exchange;
    const sink = createBodySink(exchange, () => response.writeHead(200, { "Content-Length": sizeBytes }));
    countCalls(response.socket as Socket, calls);
    begun.resolve({ sink, exchange, response, clock, calls });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => (server.closeAllConnections(), server.close()));
  const { port } = server.address() as AddressInfo;
  const answer = fetch(`http://127.0.0.1:${port}/`).then(async (found) => Buffer.from(await found.arrayBuffer()));
  answer.catch(() => {});
  return { served: await begun.promise, answer };
}

function countCalls(socket: Socket, calls: number[]): void {
  const write = socket._write.bind(socket);
  const writev = socket._writev!.bind(socket);
  socket._write = (chunk, encoding, done) => {
    calls.push(1);
    write(chunk, encoding, done);
  };
  socket._writev = (chunks, done) => {
    calls.push(chunks.length);
    writev(chunks, done);
  };
}

describe("a sink onto a response", () => {
  test("sends several pieces with one call, in order", async () => {
    const pieces = ["one, ", "two, ", "three"].map((text) => Buffer.from(text.repeat(10_000)));
    const whole = Buffer.concat(pieces);
    const { served, answer } = await serve(whole.byteLength);
    await served.sink.writeTogether!(pieces);
    served.response.end();
    expect((await answer).equals(whole)).toBe(true);
    expect(served.calls[0]).toBeGreaterThanOrEqual(pieces.length);
    expect(served.exchange.sentBytes).toBe(whole.byteLength);
  });

  test("says that the pieces may be used again only when the kernel has taken all of them", async () => {
    const size = 16 << 20;
    const { served, answer } = await serve(2 * size);
    const pieces = [Buffer.alloc(size, 1), Buffer.alloc(size, 2)];
    await served.sink.writeTogether!(pieces);
    for (const piece of pieces) piece.fill(0xdb);
    served.response.end();
    const bytes = await answer;
    expect([bytes.indexOf(0xdb), bytes[0], bytes.at(-1)]).toEqual([-1, 1, 2]);
  });

  test("rejects when the reader goes, and when it takes nothing for five minutes", async () => {
    const gone = await serve(1 << 30);
    const writing = gone.served.sink.writeTogether!([Buffer.alloc(64 << 20), Buffer.alloc(64 << 20)]);
    gone.served.response.socket?.destroy();
    await expect(writing).rejects.toMatchObject({ name: "ClientGone" });
    await expect(gone.served.sink.write(Buffer.alloc(1))).rejects.toMatchObject({ name: "ClientGone" });
    const { served } = await serve(1 << 30);
    const stalled = served.sink.writeTogether!([Buffer.alloc(256 << 20)]);
    served.clock.advance(5 * MINUTE_MS);
    await expect(stalled).rejects.toMatchObject({ name: "ClientGone" });
  });
});
