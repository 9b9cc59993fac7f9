import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface Tap extends AsyncDisposable {
  readonly port: number;
  /** All that clients sent, by connection. */
  readonly sent: Buffer[];
  /** Sends the chunks to all clients that are there. */
  pass(chunks: readonly Buffer[]): void;
  /** Resolves when no client is there. */
  closed(): Promise<void>;
}

export interface TapHooks {
  /** What goes on to the node instead; null: the connection is cut. */
  readonly up?: (chunk: Buffer) => Buffer | null;
  /** What goes on to the client instead. */
  readonly down?: (chunk: Buffer) => Buffer;
}

/** Stands between client and node, listens to what they say, and may change it. */
export async function tapBetween(nodePort: number, hooks: TapHooks = {}): Promise<Tap> {
  const sent: Buffer[] = [];
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    const node = connect({ host: "127.0.0.1", port: nodePort });
    const index = sent.push(Buffer.alloc(0)) - 1;
    for (const socket of [client, node]) sockets.add(socket);
    clients.add(client);
    client.once("close", () => clients.delete(client));
    client.on("data", (chunk: Buffer) => {
      sent[index] = Buffer.concat([sent[index]!, chunk]);
      const passed = hooks.up === undefined ? chunk : hooks.up(chunk);
      if (passed === null) node.destroy();
      else node.write(passed);
    });
    node.on("data", (chunk: Buffer) => client.write(hooks.down?.(chunk) ?? chunk));
    for (const [one, other] of [
      [client, node],
      [node, client],
    ] as const) {
      one.on("error", () => {});
      one.once("close", () => other.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    sent,
    pass(chunks) {
      for (const client of clients) for (const chunk of chunks) client.write(chunk);
    },
    async closed() {
      await until(() => clients.size === 0);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Sends raw bytes to a port and resolves to the body of the answer to them. */
export async function sendRaw(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = connect({ host: "127.0.0.1", port });
  await once(socket, "connect");
  socket.write(bytes);
  let received = Buffer.alloc(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Buffer]);
    const lengthText = /content-length: (\d+)/i.exec(received.toString("latin1"))?.[1];
    if (lengthText !== undefined && bodyOf(received).byteLength >= Number(lengthText)) break;
  }
  socket.destroy();
  return bodyOf(received);
}

/** What follows the head of the first message in the bytes. */
export function bodyOf(message: Buffer): Buffer {
  return message.subarray(message.indexOf("\r\n\r\n") + 4);
}

/** Resolves when the condition holds: it is looked at each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

export async function failureOf(attempt: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  const outcome = await attempt.then(
    () => null,
    (failure: unknown) => failure,
  );
  if (!(outcome instanceof Error)) throw new Error("nothing was rejected");
  return outcome as Error & Record<string, unknown>;
}
