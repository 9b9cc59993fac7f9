import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer as createNetServer, type AddressInfo, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { SECOND_MS, type Logger } from "@kakera/kernel";
import type { TlsOptions } from "../../client/drivers/http-connection.ts";
import { tlsStatus, tlsVersionMin, type NodeTls } from "../../node-tls.ts";
import { readCopying } from "../../drivers/read-in-place.ts";
import type { NodeServer } from "../node-server.ts";
import type { NodeListener } from "./listen-for-calls.ts";

/** A connection that has not said by then what it is, or not shown its certificate, is not one of a node. */
const introductionMsMax = 10 * SECOND_MS;
/** First byte of a TLS connection: a handshake record. */
const handshakeRecord = 22;
/** Of those that are refused one line a minute is logged, with how many there were: nobody fills a disk by knocking. */
const tellIntervalMs = 60 * SECOND_MS;

export interface TlsNodeListener extends NodeListener {
  /** Connections to come are made with this; those that are open go on. */
  renew(options: TlsOptions): void;
}

/**
 * As listenForCalls, over TLS, with a certificate of each caller. Whoever has none, or one of another authority, is told so by a status: an alert of
 * TLS 1.3 comes after the caller's handshake, and is lost when its connection is reset under what it was sending.
 */
export function listenWithTls(
  nodeServer: NodeServer,
  address: { readonly host: string; readonly port: number },
  { tls, logger, monotonicMs }: { readonly tls: NodeTls; readonly logger: Logger; readonly monotonicMs: () => number },
): Promise<TlsNodeListener> {
  const tell = limitedWarnings(logger, monotonicMs);
  const strangers = refuseWith(tlsStatus.certificateRefused);
  const plainStrangers = refuseWith(tlsStatus.plainRefused);
  const secure = createTlsServer({
    ...tls.options(),
    minVersion: tlsVersionMin,
    requestCert: true,
    // Looked at below: see above.
    rejectUnauthorized: false,
    handshakeTimeout: introductionMsMax,
  });
  secure.on("secureConnection", (socket: TLSSocket) => {
    if (!socket.authorized) tell(socket, String(socket.authorizationError ?? "no certificate"));
    if (socket.authorized) nodeServer.accept(readCopying(socket));
    else strangers.emit("connection", socket);
  });
  secure.on("tlsClientError", (failure: Error, socket: TLSSocket) => {
    tell(socket, failure.message);
    socket.destroy();
  });
  const open = new Set<Socket>();
  const front = createNetServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    const giveUp = (): void => void socket.destroy();
    socket.on("error", giveUp);
    socket.setTimeout(introductionMsMax, giveUp);
    socket.once("data", (first: Buffer) => {
      socket.pause();
      socket.setTimeout(0);
      socket.off("timeout", giveUp);
      socket.unshift(first);
      if (first[0] === handshakeRecord) return void secure.emit("connection", socket);
      if (tls.mode === "prefer") return nodeServer.accept(readCopying(socket));
      tell(socket, "it speaks no TLS");
      plainStrangers.emit("connection", socket);
      socket.resume();
    });
  });
  return new Promise((resolve, reject) => {
    front.once("error", reject);
    front.listen(address, () => {
      front.off("error", reject);
      resolve({
        port: (front.address() as AddressInfo).port,
        renew: (options) => secure.setSecureContext({ ...options, minVersion: tlsVersionMin }),
        async close() {
          const closed = new Promise<void>((done) => front.close(() => done()));
          await nodeServer.close();
          for (const socket of open) socket.destroy();
          await closed;
        },
      });
    });
  });
}

/** A server that answers whatever it is asked with the status, and closes the connection. */
function refuseWith(status: number): HttpServer {
  return createHttpServer((_request, response) => {
    response.writeHead(status, { "content-length": 0, connection: "close" });
    response.end(() => response.socket?.destroySoon());
  });
}

function limitedWarnings(logger: Logger, monotonicMs: () => number): (socket: Socket, why: string) => void {
  let [toldMs, untold] = [-Infinity, 0];
  return (socket, why) => {
    untold += 1;
    if (monotonicMs() - toldMs < tellIntervalMs) return;
    logger.log("warn", "node.refused", {
      from: socket.remoteAddress ?? "",
      why,
      count: untold,
      remedy: "--node-certs-dir there, with a certificate of an authority in this node's CAs",
    });
    [toldMs, untold] = [monotonicMs(), 0];
  };
}
