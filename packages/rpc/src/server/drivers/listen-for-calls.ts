import { createServer, type AddressInfo, type Server } from "node:net";
import { readAcceptedInPlace } from "../../drivers/read-in-place.ts";
import type { NodeServer } from "../node-server.ts";

export interface NodeListener {
  /** 0 for a socket of this machine. */
  readonly port: number;
  /** Ends the server's calls in good order, then its connections. */
  close(): Promise<void>;
}

/** A listener of the node's own. Rejects with what the system says of the address. Closing it closes the server. */
export function listenForCalls(
  nodeServer: NodeServer,
  address: { readonly host: string; readonly port: number } | { readonly path: string },
): Promise<NodeListener> {
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) =>
    nodeServer.accept(readAcceptedInPlace(socket)),
  );
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
  await closed;
}
