import { randomInt } from "node:crypto";
import { createServer, type ListenOptions, type Server } from "node:net";

/**
 * Below the range from which Linux takes the ports of outgoing connections (32768 and up): a port from there may belong to
 * some client by the time that the server listens on it.
 */
const [firstPort, endPort] = [10_000, 32_000];
const triesMax = 100;
/** Elsewhere there are no abstract sockets. */
const isLinux = process.platform === "linux";
let nextPort = randomInt(firstPort, endPort);

/** A port of 127.0.0.1 that nobody listens on, another one at each call; no other test's process gets it as long as this one lives. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < triesMax; tries++) {
    const port = nextPort;
    nextPort = port + 1 < endPort ? port + 1 : firstPort;
    if (await reserve(port)) return port;
  }
  throw new Error(`none of ${triesMax} ports below ${nextPort} is free`);
}

/**
 * A server that a test has killed is to find its port again when it is started anew, though nobody listens there meanwhile. Suites run beside each
 * other, so a name that only one process can have (an abstract socket, which goes with its process) says whose the port is.
 */
async function reserve(port: number): Promise<boolean> {
  const claim = isLinux ? await listen({ path: `\0kakera-test-port-${port}` }) : createServer();
  if (claim === null) return false;
  const probe = await listen({ host: "127.0.0.1", port });
  if (probe === null) {
    claim.close();
    return false;
  }
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  claim.unref();
  return true;
}

/** null: it is taken. */
function listen(address: ListenOptions): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen(address, () => resolve(server));
  });
}
