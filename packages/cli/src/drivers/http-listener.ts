import { createServer as createHttpServer, type Server } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import { createServer as createNetServer, type AddressInfo, type Server as NetServer } from "node:net";
import { serverOptions, type TlsContext } from "@kakera/gateway";
import { SECOND_MS, sleep, type Clock } from "@kakera/kernel";
import { CommandFailure } from "../command-failure.ts";
import { formatAddress, type Address } from "../config/parse-values.ts";
import { exitCodes } from "../exit-codes.ts";

export interface Listener {
  readonly server: Server;
  /** Takes a new certificate up for connections to come; without TLS it does nothing. */
  renew(tls: TlsContext): void;
}

/** A server of node:http, or of node:https where there is a certificate. It does not listen yet. */
export function createListener(tls: TlsContext | null): Listener {
  if (tls === null) return { server: createHttpServer(serverOptions), renew: () => {} };
  const server: HttpsServer = createHttpsServer({ ...serverOptions, ...tls.options });
  return { server: server as unknown as Server, renew: ({ options }) => server.setSecureContext(options) };
}

const [busyMsMax, busyLookMs] = [5 * SECOND_MS, SECOND_MS / 10];

/** Who takes connections at an address: one process, or several, among which the kernel spreads them. */
export type Sharing = "alone" | "with others";

/** Resolves to the port. Rejects with CommandFailure when the address cannot be had. */
export function listen(server: NetServer, address: Address, sharing: Sharing = "alone"): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error & { code?: string }): void => reject(describeListening(error, address));
    server.once("error", onError);
    const place = { port: address.port, ...(address.host === "" ? {} : { host: address.host }) };
    server.listen(sharing === "alone" ? place : { ...place, reusePort: true }, () => {
      server.off("error", onError);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/**
 * As `listen`, for the first of several processes; `clock`'s timers keep the process alive meanwhile. Another server of the same user that shares its port too would share this one's,
 * unseen, and answer every second request: so the address is taken alone first. Whoever has it, alone or with others, is found then.
 */
export async function listenFirst(server: NetServer, address: Address, clock: Clock): Promise<number> {
  const giveUpMs = clock.monotonicMs() + busyMsMax;
  for (;;) {
    try {
      const probe = createNetServer();
      await listen(probe, address);
      await new Promise<void>((resolve) => probe.close(() => resolve()));
      return await listen(server, address, "with others");
    } catch (failure) {
      // Processes of a server that was killed a moment ago may not have ended yet.
      const isBusy = failure instanceof CommandFailure && failure.reason === "PORT_BUSY";
      if (!isBusy || clock.monotonicMs() >= giveUpMs) throw failure;
      await sleep(clock, busyLookMs);
    }
  }
}

/** A failure to listen in words for the person who starts the server; anything else as it is. */
export function describeListening(
  error: Error & { code?: string },
  address: Address,
  remedyWhenBusy = "--address and --console-address choose other ports",
): Error {
  const where = formatAddress(address);
  if (error.code === "EADDRINUSE") {
    return new CommandFailure("PORT_BUSY", `another process listens on ${where}`, {
      exitCode: exitCodes.unreachable,
      remedy: remedyWhenBusy,
      cause: error,
    });
  }
  if (error.code === "EACCES") {
    return new CommandFailure("NOT_PERMITTED", `this user may not listen on ${where}`, {
      exitCode: exitCodes.notPermitted,
      remedy: "a port above 1023",
      cause: error,
    });
  }
  if (error.code === "ENOTSUP" || error.code === "EINVAL") {
    return new CommandFailure("CONFIG_INVALID", "this system lets only one process listen on a port", {
      exitCode: exitCodes.usage,
      remedy: "--processes 1",
      cause: error,
    });
  }
  if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND") {
    return new CommandFailure("CONFIG_INVALID", `${where} is no address of this machine`, {
      exitCode: exitCodes.usage,
      cause: error,
    });
  }
  return error;
}
