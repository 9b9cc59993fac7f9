import { connect, createServer, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { freePort } from "../free-port.ts";

/** One call of gRPC: `/etcdserverpb.KV/Txn`, and the message that it begins with, five bytes of framing before it. */
export interface EtcdCall {
  readonly path: string;
  readonly message: Buffer;
}

/**
 * Stands between a client and a member of etcd, and knows one call from the other; plain HTTP/2 only. A call that it has taken reaches
 * the member, also when whoever made it has given up since: as one that was read and stands in the member's queue. It has no timers.
 */
export interface CallRelay extends AsyncDisposable {
  readonly endpoint: string;
  /** A call is passed on when this has resolved. */
  onCall: (call: EtcdCall) => Promise<void> | void;
  /** What is given for the answer of a call with one answer: as it comes from etcd, framing and all. */
  onAnswer: (call: EtcdCall, answer: Buffer) => Buffer;
  /** From now on nothing that a member sends in streams of that path is passed on; what comes is kept. */
  hold(path: string): void;
  /** Ends hold(): what was kept goes on in its order. */
  release(): void;
}

const streaming = new Set(["/etcdserverpb.Watch/Watch", "/etcdserverpb.Lease/LeaseKeepAlive"]);

/** A relay to the member at `target`, `http://host:port`. */
export async function startCallRelay(target: string): Promise<CallRelay> {
  const port = await freePort();
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  const held = new Set<string>();
  const kept: (() => void)[] = [];
  let upstream: ClientHttp2Session | null = null;

  const member = (): ClientHttp2Session => {
    if (upstream === null || upstream.closed || upstream.destroyed) {
      upstream = connect(target);
      upstream.on("error", () => {}); // each stream says it as well
    }
    return upstream;
  };

  const relay: CallRelay = {
    endpoint: `http://127.0.0.1:${port}`,
    onCall: () => {},
    onAnswer: (_, answer) => answer,
    hold: (path) => void held.add(path),
    release() {
      held.clear();
      for (const go of kept.splice(0)) go();
    },
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      upstream?.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };

  function inOrder(path: string, go: () => void): void {
    if (held.has(path)) kept.push(go);
    else go();
  }

  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (client: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    client.on("error", () => {}); // given up: "close" follows
    const path = headers[":path"] as string;
    void firstMessage(client, path).then(async ({ message, isWhole }) => {
      const call = { path, message };
      await relay.onCall(call);
      if (isWhole || !client.destroyed) passOn({ client, headers, call, isWhole });
    });
  });

  /** `isWhole`: the client has nothing more to say. */
  function passOn(of: {
    client: ServerHttp2Stream;
    headers: IncomingHttpHeaders;
    call: EtcdCall;
    isWhole: boolean;
  }): void {
    const { client, call } = of;
    // The client's patience is its own: the member takes its time.
    const { "grpc-timeout": _, ...headers } = of.headers;
    const stream = member().request({ ...headers, ":authority": new URL(target).host });
    stream.on("error", () => client.destroy());
    stream.write(call.message);
    if (of.isWhole) stream.end();
    else {
      client.on("data", (bytes: Buffer) => stream.write(bytes));
      client.on("end", () => stream.end());
      client.on("close", () => stream.close());
      client.resume();
    }
    answer(stream, client, call);
  }

  function answer(stream: ClientHttp2Stream, client: ServerHttp2Stream, call: EtcdCall): void {
    const { path } = call;
    const later = (go: () => void): void => inOrder(path, () => !client.destroyed && go());
    const collected: Buffer[] = [];
    let trailers: IncomingHttpHeaders = {};
    client.on("wantTrailers", () => client.sendTrailers(trailers));
    stream.on("response", (headers, flags) => {
      // An error without any message comes in the headers.
      const endStream = (flags & 1) === 1;
      later(() => client.respond(headers, endStream ? { endStream } : { waitForTrailers: true }));
    });
    stream.on("trailers", (found) => (trailers = found));
    stream.on("data", (bytes: Buffer) => {
      if (streaming.has(path)) later(() => client.write(bytes));
      else collected.push(bytes);
    });
    stream.on("end", () => {
      const whole = collected.length === 0 ? Buffer.alloc(0) : relay.onAnswer(call, Buffer.concat(collected));
      later(() => client.end(whole));
    });
  }

  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return relay;
}

/** Waits for as much as one message of gRPC, whose length stands in its bytes 1 to 4. */
function firstMessage(client: ServerHttp2Stream, path: string): Promise<{ message: Buffer; isWhole: boolean }> {
  return new Promise((resolve) => {
    let message = Buffer.alloc(0);
    const isLong = (): boolean => message.byteLength >= 5 && message.byteLength >= 5 + message.readUInt32BE(1);
    const done = (isWhole: boolean): void => {
      client.off("data", take).off("end", end);
      client.pause();
      resolve({ message, isWhole });
    };
    const end = (): void => done(true);
    const take = (bytes: Buffer): void => {
      message = Buffer.concat([message, bytes]);
      // A call with one message ends with it; a stream stays open.
      if (isLong() && streaming.has(path)) done(false);
    };
    client.on("data", take).on("end", end);
  });
}
