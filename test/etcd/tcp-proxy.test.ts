import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freePort } from "../harness/free-port.ts";
import { until } from "../harness/server.ts";
import { startTcpProxy, type TcpProxy } from "../harness/tcp-proxy.ts";

let proxy: TcpProxy;
let server: Server;
/** The target's sides, in the order of their coming. */
let targets: Socket[];
const clients: Socket[] = [];

beforeEach(async () => {
  targets = [];
  const port = await freePort();
  server = createServer({ allowHalfOpen: true }, (socket) => targets.push(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  proxy = await startTcpProxy(port);
});
afterEach(async () => {
  for (const socket of [...clients.splice(0), ...targets]) socket.destroy();
  await proxy.dispose();
  server.close();
});

interface Client {
  readonly socket: Socket;
  readonly target: Socket;
  readonly received: () => Buffer;
  /** How it ended: "end", an error's code, or null as long as it has not. */
  readonly end: () => string | null;
}

/** A client behind the proxy and its other side. */
async function dial(): Promise<Client> {
  const slices: Buffer[] = [];
  let end: string | null = null;
  const count = targets.length;
  const socket = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
  clients.push(socket);
  socket.on("data", (slice: Buffer) => slices.push(slice));
  socket.once("end", () => (end ??= "end"));
  socket.on("error", (error: NodeJS.ErrnoException) => (end ??= error.code ?? error.message));
  await until("the target is reached", () => targets.length > count);
  return { socket, target: targets[count] as Socket, received: () => Buffer.concat(slices), end: () => end };
}

function pattern(sizeBytes: number): Buffer {
  return Buffer.from(Array.from({ length: sizeBytes }, (_, index) => (index * 7 + (index >> 8)) & 255));
}

describe("a TCP proxy", () => {
  test("passes on bytes both ways, and a half close alone", async () => {
    const { socket, target, received, end } = await dial();
    const sent = pattern(1_000_000);
    let heard = 0;
    target.on("data", (slice: Buffer) => (heard += slice.byteLength));
    socket.end(sent);
    await once(target, "end");
    expect(heard).toBe(sent.byteLength);
    expect(end()).toBe(null);
    target.end(sent);
    await once(socket, "end");
    expect(received().equals(sent)).toBe(true);
    expect(proxy.bytesFromTarget).toBe(sent.byteLength);
    await until("the proxy has forgotten it", () => proxy.connectionCount === 0);
  });

  test.each([1, 70_000, 1_000_000, 3_000_000])(
    "cuts after exactly %i bytes from the target, once",
    async (bytesMax) => {
      const cut = await dial();
      cut.target.write("before");
      await until("what came before is not counted", () => cut.received().byteLength === 6);
      const done = proxy.cutAfter(bytesMax);
      const sent = pattern(bytesMax + 1);
      cut.target.write(sent);
      await done;
      await until("the client sees the end", () => cut.end() !== null);
      expect(cut.end()).toBe("end");
      expect(cut.received().subarray(6).equals(sent.subarray(0, bytesMax))).toBe(true);
      await until("the target is cut off", () => cut.target.destroyed);
      const whole = await dial();
      whole.target.end(sent);
      await once(whole.socket, "end");
      expect(whole.received().byteLength).toBe(bytesMax + 1);
    },
  );

  test("cuts exactly also where the client reads late and goes on sending", async () => {
    const { socket, target, received } = await dial();
    socket.pause();
    socket.write(pattern(500_000));
    const done = proxy.cutAfter(2_000_000);
    target.write(pattern(2_500_000));
    socket.resume();
    await done;
    socket.write(pattern(500_000));
    await once(socket, "end");
    expect(received().byteLength).toBe(2_000_000);
  });

  test("resets what is open when it is told to cut, and serves what comes then", async () => {
    const [first, second] = [await dial(), await dial()];
    proxy.cut();
    expect(proxy.connectionCount).toBe(0);
    await until("both clients are reset", () => first.end() === "ECONNRESET" && second.end() === "ECONNRESET");
    await until("both targets are", () => first.target.destroyed && second.target.destroyed);
    const third = await dial();
    third.target.end("served");
    await once(third.socket, "end");
    expect(third.received().toString()).toBe("served");
  });

  test("refuses who comes new and keeps who is there", async () => {
    const { target, received } = await dial();
    proxy.refuse();
    const refused = connect(proxy.port, "127.0.0.1");
    const [error] = (await once(refused, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
    target.write("still");
    await until("what is open goes on", () => received().toString() === "still");
    await proxy.accept();
    await dial();
    expect(proxy.connectionCount).toBe(2);
  });

  test("holds bytes, ends and resets until it is released, and then passes them on in their order", async () => {
    const [ending, breaking] = [await dial(), await dial()];
    proxy.hold();
    const late = await dial();
    ending.target.end(pattern(200_000));
    late.target.end("late");
    breaking.socket.resetAndDestroy();
    // All of it has come to the machine by then: another connection, past the proxy, has gone to and fro after it.
    const { port } = server.address() as { port: number };
    const witness = connect(port, "127.0.0.1");
    await until("the witness is there", () => targets.length === 4);
    targets[3]?.end("seen");
    await once(witness.resume(), "end");
    witness.destroy();
    expect([ending.end(), late.end(), breaking.target.destroyed]).toEqual([null, null, false]);
    expect([ending.received().byteLength, late.received().byteLength, proxy.bytesFromTarget]).toEqual([0, 0, 0]);
    proxy.release();
    await until("all have ended", () => ending.end() === "end" && late.end() === "end" && breaking.target.destroyed);
    expect([ending.received().byteLength, late.received().toString()]).toEqual([200_000, "late"]);
  });
});
