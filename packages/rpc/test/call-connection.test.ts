import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { createManualClock, createSeededRandom, systemClock, type Clock } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import { readAcceptedInPlace, readCopying, type SocketSource } from "../src/drivers/read-in-place.ts";
import { CallConnection, type ArrivingCall } from "../src/server/drivers/call-connection.ts";
import { FrameFailure } from "../src/wire/frame-receiver.ts";
import { failureOf, until } from "./socket-kit.ts";

const mib = 1024 * 1024;

interface Ends extends AsyncDisposable {
  readonly client: Socket;
  /** Of the side that is called. */
  readonly socket: Socket;
  readonly calls: ArrivingCall[];
  received(): Buffer;
}

interface Circumstances {
  readonly onCall?: (call: ArrivingCall) => void;
  readonly clock?: Clock;
  readonly read?: (accepted: Socket) => SocketSource;
}

async function connected(circumstances: Circumstances = {}): Promise<Ends> {
  const { onCall, clock = systemClock, read = readAcceptedInPlace } = circumstances;
  const calls: ArrivingCall[] = [];
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer({ pauseOnConnect: read === readAcceptedInPlace }, (socket) => {
    const connection = new CallConnection(read(socket), {
      clock,
      gone: (cause) => new Error("gone", { cause }),
      begin(call) {
        calls.push(call);
        onCall?.(call);
      },
    });
    accepted.resolve(connection.socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", noDelay: true });
  client.on("error", () => {});
  const received: Buffer[] = [];
  client.on("data", (chunk: Buffer) => void received.push(chunk));
  const socket = await accepted.promise;
  return {
    client,
    socket,
    calls,
    received: () => Buffer.concat(received),
    async [Symbol.asyncDispose]() {
      client.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const request = (path: string, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.byteLength}\r\n\r\n`), body]);
const answerOf = (body: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${body.byteLength}\r\n\r\n`), body]);

const bodyOfCall = async (call: ArrivingCall): Promise<Buffer> => (await takeBody(call)).body;

/** The body, and how much of it was read to where it lies. */
async function takeBody(call: ArrivingCall): Promise<{ readonly body: Buffer; readonly placedBytes: number }> {
  const room = Buffer.alloc(Number.isNaN(call.head.sizeBytes) ? 0 : call.head.sizeBytes);
  let [at, placedBytes] = [0, 0];
  await call.receive({
    push(chunk) {
      room.set(chunk, at);
      at += chunk.byteLength;
    },
    room: () => room.subarray(at),
    placed(sizeBytes) {
      at += sizeBytes;
      placedBytes += sizeBytes;
    },
  });
  expect(at).toBe(room.byteLength);
  return { body: room, placedBytes };
}

/** Answers with what was sent, in two pieces. */
async function echo(call: ArrivingCall, wait: () => Promise<void> = async () => {}): Promise<void> {
  await wait();
  const body = await bodyOfCall(call);
  await wait();
  const half = body.byteLength >> 1;
  await call.answer(200, [body.subarray(0, half), body.subarray(half)], "go-on");
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe("calls of one connection", () => {
  it.each([
    [1, "in place", readAcceptedInPlace],
    [2, "in place", readAcceptedInPlace],
    [3, "with a copy", readCopying],
    [4, "with a copy", readCopying],
  ] as const)(
    "are answered in their order, each with its own, however they are cut and however many are sent ahead (seed %i, read %s)",
    async (seed, _how, read) => {
      const random = createSeededRandom(seed);
      const upTo = (count: number): number => Math.floor(random.fraction() * count);
      await using ends = await connected({ read, onCall: (call) => void echo(call, () => turns(upTo(3))) });
      const bodies = Array.from({ length: 60 }, () =>
        Buffer.from(random.bytes(Math.floor(200_000 * random.fraction() ** 4))),
      );
      const all = Buffer.concat(bodies.map((body, index) => request(`/${index}`, body)));
      for (let at = 0; at < all.byteLength;) {
        const piece = all.subarray(at, at + 1 + Math.floor(100_000 * random.fraction() ** 6));
        at += piece.byteLength;
        ends.client.write(piece);
        if (random.fraction() < 0.3) await turns(1 + upTo(3));
      }
      const expected = Buffer.concat(bodies.map(answerOf));
      await until(() => ends.received().byteLength >= expected.byteLength);
      expect(ends.received().equals(expected)).toBe(true);
      expect(ends.calls.map(({ head }) => head.path)).toEqual(bodies.map((_, index) => `/${index}`));
    },
  );

  it("are not read much further than their head before somebody takes them, and wholly then", async () => {
    await using ends = await connected();
    const body = Buffer.from(createSeededRandom(5).bytes(32 * mib));
    ends.client.write(request("/", body));
    await until(() => ends.calls.length === 1 && ends.socket.isPaused());
    expect(ends.socket.bytesRead).toBeLessThan(mib);
    const [call] = ends.calls as [ArrivingCall];
    const { body: taken, placedBytes } = await takeBody(call);
    expect(taken.equals(body)).toBe(true);
    expect(placedBytes).toBeGreaterThan(body.byteLength - mib);
    await call.answer(200, [Buffer.from("well")], "go-on");
    await until(() => ends.received().toString("latin1").endsWith("well"));
  });

  it("wait for the one before them to be answered, and are read no further meanwhile", async () => {
    await using ends = await connected();
    ends.client.write(request("/1", Buffer.alloc(10)));
    await until(() => ends.calls.length === 1);
    await bodyOfCall(ends.calls[0]!);
    ends.client.write(request("/2", Buffer.alloc(8 * mib, 2)));
    await until(() => ends.socket.isPaused());
    expect(ends.calls.length).toBe(1);
    expect(ends.socket.bytesRead).toBeLessThan(mib);
    await ends.calls[0]!.answer(200, [], "go-on");
    expect((await bodyOfCall(ends.calls[1]!)).equals(Buffer.alloc(8 * mib, 2))).toBe(true);
  });

  it("are cut when their caller leaves: what is to come fails, and who answers is told", async () => {
    await using ends = await connected();
    ends.client.write(request("/", Buffer.alloc(1000)).subarray(0, 500));
    await until(() => ends.calls.length === 1);
    const [call] = ends.calls as [ArrivingCall];
    const body = failureOf(bodyOfCall(call));
    ends.client.destroy();
    expect(await body).toBeInstanceOf(FrameFailure);
    expect(call.signal.aborted).toBe(true);
    await call.answer(200, [Buffer.alloc(mib)], "go-on");
  });

  it("tell who answers when the caller leaves after its call", async () => {
    await using ends = await connected();
    ends.client.write(request("/", Buffer.alloc(1000)));
    await until(() => ends.calls.length === 1);
    const [call] = ends.calls as [ArrivingCall];
    await bodyOfCall(call);
    expect(call.signal.aborted).toBe(false);
    ends.client.end();
    await until(() => call.signal.aborted);
    expect(call.signal.reason).toMatchObject({ message: "gone" });
  });

  it("tell nobody when the caller leaves after its answer", async () => {
    await using ends = await connected({ onCall: (call) => void echo(call) });
    ends.client.write(request("/", Buffer.alloc(10)));
    await until(() => ends.received().byteLength > 0);
    ends.client.destroy();
    await once(ends.socket, "close");
    expect(ends.calls[0]!.signal.aborted).toBe(false);
  });

  it("keep the answer's bytes until the caller has taken them or the connection is closed", async () => {
    await using ends = await connected();
    ends.client.pause();
    ends.client.write(request("/", Buffer.alloc(10)));
    await until(() => ends.calls.length === 1);
    await bodyOfCall(ends.calls[0]!);
    let isOver = false;
    const answered = ends.calls[0]!.answer(200, [Buffer.alloc(64 * mib)], "go-on").then(() => (isOver = true));
    await turns(20);
    expect(isOver).toBe(false);
    ends.client.destroy();
    await answered;
    expect(ends.socket.destroyed).toBe(true);
  });

  it("end with the one that says it is the last, on either side", async () => {
    for (const last of ["POST / HTTP/1.1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", null]) {
      const then = last === null ? "close" : "go-on";
      await using ends = await connected({
        onCall: (call) => void bodyOfCall(call).then(() => call.answer(200, [Buffer.from("bye")], then)),
      });
      const closed = once(ends.client, "close");
      ends.client.write(last ?? request("/", Buffer.alloc(0)));
      await closed;
      expect(ends.received().toString("latin1")).toBe(
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbye",
      );
    }
  });

  it.each([
    ["the beginning of a handshake of TLS", "\x16\x03\x01\x02\x00\x01"],
    ["another protocol", "HELO\r\n\r\n"],
    ["a head without end", `POST / HTTP/1.1\r\nx: ${"y".repeat(9000)}`],
    ["a head that is too long", `POST / HTTP/1.1\r\nx: ${"y".repeat(9000)}\r\n\r\n`],
  ])("are not made of %s: that is told, and the connection is closed", async (_what, text) => {
    await using ends = await connected();
    const closed = once(ends.client, "close");
    ends.client.write(text, "latin1");
    await closed;
    expect(ends.received().toString("latin1").slice(0, 24)).toBe("HTTP/1.1 400 Bad Request");
    expect(ends.calls).toEqual([]);
  });

  it("are not waited for beyond a minute when their head trickles in", async () => {
    const clock = createManualClock();
    await using ends = await connected({ clock });
    const closed = once(ends.client, "close");
    ends.client.write("POST / HT");
    await until(() => ends.socket.bytesRead === 9);
    clock.advance(59_000);
    ends.client.write("TP/1.1\r\n");
    await until(() => ends.socket.bytesRead === 17);
    expect(ends.socket.destroyed).toBe(false);
    clock.advance(2_000);
    ends.client.write("host: x\r\n");
    await closed;
  });

  it("leave their connection open while one is under way, and for a minute after it", async () => {
    await using ends = await connected();
    ends.client.write(request("/", Buffer.alloc(10)));
    await until(() => ends.calls.length === 1);
    await bodyOfCall(ends.calls[0]!);
    expect(ends.socket.timeout).toBe(60_000);
    ends.socket.emit("timeout");
    expect(ends.socket.destroyed).toBe(false);
    await ends.calls[0]!.answer(200, [], "go-on");
    ends.socket.emit("timeout");
    expect(ends.socket.destroyed).toBe(true);
  });
});
