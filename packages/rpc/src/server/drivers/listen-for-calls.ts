import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { SECOND_MS } from "@kakera/kernel";
import type { NodeServer } from "../node-server.ts";

export interface NodeListener {
  /** 0 for a socket of this machine. */
  readonly port: number;
  /** Ends the server's calls in good order, then its connections. */
  close(): Promise<void>;
}

/** Above what clients keep an idle connection for: so it is never closed under a call that is just being sent. */
const keepAliveMs = 60 * SECOND_MS;
export const callServerOptions = { keepAliveTimeout: keepAliveMs, noDelay: true, requestTimeout: 0 } as const;

/** A listener of the node's own. Rejects with what the system says of the address. Closing it closes the server. */
export function listenForCalls(
  nodeServer: NodeServer,
  address: { readonly host: string; readonly port: number } | { readonly path: string },
): Promise<NodeListener> {
  const server = createServer(callServerOptions, nodeServer.handle);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(address, () => {
      server.off("error", reject);
      const { port = 0 } = server.address() as Partial<AddressInfo>;
      resolve({ port, close: () => close(server, nodeServer) });
    });
  });
}

async function close(server: Server, nodeServer: NodeServer): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await nodeServer.close();
  server.closeAllConnections();
  await closed;
}
