import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./free-port.ts";

/** Stands between a client and a server on loopback, and breaks their connections where it is told. It has no timers. */
export interface TcpProxy {
  readonly port: number;
  /** Connections that are open now. */
  readonly connectionCount: number;
  /** What it has passed on from the target so far, over all connections. */
  readonly bytesFromTarget: number;
  /** Resets all connections that are open now, both sides; what it had not passed on is lost. */
  cut(): void;
  /**
   * Once: the first connection over which this many bytes more have come from the target is cut there. The client gets exactly so
   * many and then the end of the stream; what it sends from then on goes nowhere. Resolves when that has happened.
   */
  cutAfter(bytesFromTarget: number): Promise<void>;
  /** From now on connecting is refused, as if nobody listened; what is open stays. */
  refuse(): void;
  /** Ends refuse(). */
  accept(): Promise<void>;
  /**
   * From now on nothing is passed on, no byte, end or reset, while all stays open and new connections are taken. What was handed
   * to the operating system before is under way. `answers`: what clients send is still passed on.
   */
  hold(what?: "all" | "answers"): void;
  /** Ends hold(): what has come meanwhile goes on in its order. */
  release(): void;
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface ArmedCut {
  readonly bytesMax: number;
  /** Of each connection, since the arming. */
  readonly bytesOf: Map<Connection, number>;
  readonly done: () => void;
}

interface Connection {
  readonly client: Socket;
  readonly target: Socket;
}

/** A proxy to `targetPort` of 127.0.0.1. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const port = await freePort();
  const connections = new Set<Connection>();
  /** What release() has to do: the resets that came while nothing was passed on. */
  const deferred: (() => void)[] = [];
  let bytesFromTarget = 0;
  let held: "nothing" | "answers" | "all" = "nothing";
  let armed: ArmedCut | null = null;
  let server: Server | null = null;

  function open(client: Socket): void {
    const target = connect({ port: targetPort, host: "127.0.0.1", allowHalfOpen: true });
    const connection = { client, target };
    connections.add(connection);
    client.setNoDelay(true);
    target.setNoDelay(true);
    const isHeld = { requests: () => held === "all", answers: () => held !== "nothing" };
    passOn(client, target, { write: (bytes) => target.write(bytes), isHeld: isHeld.requests });
    passOn(target, client, { write: (bytes) => forwardToClient(connection, bytes), isHeld: isHeld.answers });
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      socket.on("error", () => {}); // "close" follows, and says it
      socket.once("close", (hadError) => {
        const follow = (): void => {
          if (!connections.has(connection)) return;
          if (hadError || !other.writableEnded || other.destroyed) closeBoth(connection);
        };
        if (held !== "nothing") deferred.push(follow);
        else follow();
      });
    }
  }

  /** Bytes and the end, in their order, one direction. `write` says whether more may come at once. */
  function passOn(
    from: Socket,
    to: Socket,
    { write, isHeld }: { write: (bytes: Buffer) => boolean; isHeld: () => boolean },
  ): void {
    from.pause(); // else a listener would let it flow, also while all is held
    from.on("data", (bytes: Buffer) => {
      if (!write(bytes)) from.pause();
    });
    to.on("drain", () => {
      if (!isHeld()) from.resume();
    });
    from.once("end", () => to.end());
    if (!isHeld()) from.resume();
  }

  function forwardToClient(connection: Connection, bytes: Buffer): boolean {
    const cut = armed;
    const seen = (cut?.bytesOf.get(connection) ?? 0) + bytes.byteLength;
    if (cut === null || seen < cut.bytesMax) {
      cut?.bytesOf.set(connection, seen);
      bytesFromTarget += bytes.byteLength;
      return connection.client.write(bytes);
    }
    const last = bytes.subarray(0, bytes.byteLength - (seen - cut.bytesMax));
    bytesFromTarget += last.byteLength;
    armed = null;
    endAfter(connection, last);
    cut.done();
    return false;
  }

  /** A reset here could overtake the last bytes: the client gets an end behind them, and what it still sends is thrown away. */
  function endAfter({ client, target }: Connection, last: Buffer): void {
    client.removeAllListeners("data");
    client.removeAllListeners("end");
    client.on("data", () => {});
    client.resume();
    target.removeAllListeners("data");
    target.removeAllListeners("end");
    reset(target);
    client.end(last);
  }

  function closeBoth(connection: Connection): void {
    connections.delete(connection);
    reset(connection.client);
    reset(connection.target);
  }

  function listen(): Promise<void> {
    const created = createServer({ allowHalfOpen: true, pauseOnConnect: true }, open);
    server = created;
    return new Promise((resolve, reject) => {
      created.once("error", reject);
      created.listen(port, "127.0.0.1", resolve);
    });
  }

  function refuse(): void {
    server?.close(); // the socket that listens is closed at once; only the event waits for the connections
    server = null;
  }

  function cut(): void {
    for (const connection of connections) closeBoth(connection);
  }

  function dispose(): Promise<void> {
    const closing = server;
    server = null;
    const closed = new Promise<void>((resolve) => {
      if (closing === null) resolve();
      else closing.close(() => resolve());
    });
    cut();
    return closed;
  }

  await listen();
  return {
    port,
    get connectionCount() {
      return connections.size;
    },
    get bytesFromTarget() {
      return bytesFromTarget;
    },
    cut,
    cutAfter(bytesMax) {
      if (bytesMax < 1 || armed !== null) throw new Error("cutAfter takes a byte at least, and one cut at a time");
      return new Promise((resolve) => {
        armed = { bytesMax, bytesOf: new Map(), done: resolve };
      });
    },
    refuse,
    async accept() {
      if (server === null) await listen();
    },
    hold(what = "all") {
      held = what;
      for (const { client, target } of connections) {
        if (what === "all") client.pause();
        target.pause();
      }
    },
    release() {
      held = "nothing";
      for (const { client, target } of connections) {
        if (!target.writableNeedDrain) client.resume();
        if (!client.writableNeedDrain) target.resume();
      }
      for (const follow of deferred.splice(0)) follow();
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/** A socket that has sent its end, or is not connected yet, cannot be reset. */
function reset(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.connecting || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
