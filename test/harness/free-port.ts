import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below the range from which Linux takes the ports of outgoing connections (32768 and up): a port from there may belong to
 * some client by the time that the server listens on it.
 */
const [firstPort, endPort] = [10_000, 32_000];
const triesMax = 100;
let nextPort = randomInt(firstPort, endPort);

/** A port of 127.0.0.1 that nobody listens on, another one at each call. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < triesMax; tries++) {
    const port = nextPort;
    nextPort = port + 1 < endPort ? port + 1 : firstPort;
    if (await isFree(port)) return port;
  }
  throw new Error(`none of ${triesMax} ports below ${nextPort} is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
