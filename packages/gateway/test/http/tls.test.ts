import { randomFillSync } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { connect } from "node:tls";
import { MIB } from "@kakera/kernel";
import { beforeAll, describe, expect, it } from "vitest";
import { createTlsContext, serverOptions, type TlsMaterial } from "../../src/index.ts";
import { makeCertificate } from "../fakes/certificate.ts";
import { RawConnection } from "../fakes/raw-client.ts";
import { startGateway, type TestGateway } from "../fakes/start-gateway.ts";

let first: TlsMaterial;
let second: TlsMaterial;
beforeAll(() => {
  first = makeCertificate("first");
  second = makeCertificate("second");
});

/** The common name that the server shows, and its answer. */
function ask(port: number, text: string): Promise<{ name: string; answer: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => socket.write(text));
    let answer = "";
    socket.on("data", (bytes: Buffer) => (answer += bytes.toString()));
    const name = (): string => String(socket.getPeerCertificate().subject?.CN);
    socket.once("secureConnect", () => {
      const shown = name();
      socket.once("end", () => resolve({ name: shown, answer }));
    });
    socket.once("error", reject);
  });
}

/** The gateway behind a TLS listener, with the first certificate. */
async function serveTls({ gateway }: TestGateway): Promise<AsyncDisposable & { server: Server; port: number }> {
  const server = createServer({ ...serverOptions, ...createTlsContext(first).options });
  gateway.attach(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    server,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("createTlsContext", () => {
  it("tells when the certificate ends, and for whom it is", () => {
    const context = createTlsContext(first);
    expect(context.expiresMs).toBeGreaterThan(Date.now());
    expect(context.names).toContain("127.0.0.1");
  });

  it.each([
    [
      "a key of another certificate",
      (): TlsMaterial => ({ certificate: first.certificate, privateKey: second.privateKey }),
      /does not belong/,
    ],
    [
      "half a certificate",
      (): TlsMaterial => ({ certificate: first.certificate.subarray(0, 100), privateKey: first.privateKey }),
      /certificate cannot be read/,
    ],
    [
      "no key",
      (): TlsMaterial => ({ certificate: first.certificate, privateKey: Buffer.alloc(0) }),
      /private key cannot be read/,
    ],
  ])("refuses %s before a listener is given it", (_, material, message) => {
    expect(() => createTlsContext(material())).toThrow(message);
  });
});

describe("a TLS listener", () => {
  it("serves, and shows a new certificate to new connections without a restart", async () => {
    await using gateway = await startGateway();
    await using tls = await serveTls(gateway);
    const { server, port } = tls;
    const request = "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const before = await ask(port, request);
    expect([before.name, before.answer.slice(0, 15)]).toEqual(["first", "HTTP/1.1 200 OK"]);
    server.setSecureContext(createTlsContext(second).options);
    expect((await ask(port, request)).name).toBe("second");
  });

  it("takes a body of many records that comes while the answer before it is still being written", async () => {
    await using gateway = await startGateway();
    await using tls = await serveTls(gateway);
    const { port } = tls;
    const [large, small] = [randomFillSync(Buffer.alloc(24 * MIB)), randomFillSync(Buffer.alloc(1 * MIB))];
    await gateway.client.call({ method: "PUT", bucket: "b-1" });
    await gateway.client.call({ method: "PUT", bucket: "b-1", key: "large", body: large });
    const get = gateway.client.wire({ method: "GET", bucket: "b-1", key: "large" });
    const put = gateway.client.wire({ method: "PUT", bucket: "b-1", key: "small", body: small });
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    socket.write(get.head);
    await once(socket, "readable");
    socket.write(Buffer.concat([Buffer.from(put.head, "latin1"), put.body]));
    const connection = new RawConnection(socket);
    expect(Buffer.compare((await connection.answer()).body, large)).toBe(0);
    expect((await connection.answer()).status).toBe(200);
    const got = await gateway.client.call({ method: "GET", bucket: "b-1", key: "small" });
    expect(Buffer.compare(got.body, small)).toBe(0);
    connection.destroy();
  });
});
