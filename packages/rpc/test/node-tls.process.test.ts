import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectPlain } from "node:net";
import { connect as connectTls, type SecureContextOptions } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentLogger, silentMeter, systemClock } from "@kakera/kernel";
import { createNodeClient, createNodeServer, listenForCalls, listenWithTls, type NodeTlsMode } from "@kakera/rpc";
import { TestAuthority } from "../../../test/harness/certificate.ts";
import { clusterId, random, secret } from "./node-kit.ts";

let directory: string;
let own: SecureContextOptions;
let renewed: SecureContextOptions;
let foreign: SecureContextOptions;
let elsewhere: SecureContextOptions;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "kakera-node-tls-"));
  const authority = new TestAuthority(directory, "authority");
  own = optionsOf(authority.issue(join(directory, "own")));
  renewed = optionsOf(authority.issue(join(directory, "renewed")));
  elsewhere = optionsOf(authority.issue(join(directory, "elsewhere"), { names: "DNS:elsewhere.example" }));
  const stranger = new TestAuthority(directory, "stranger");
  foreign = { ...optionsOf(stranger.issue(join(directory, "foreign"))), ca: own.ca };
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function optionsOf(folder: string): SecureContextOptions {
  const [cert, key, ca] = ["tls.crt", "tls.key", "ca.crt"].map((name) => readFileSync(join(folder, name)));
  return { cert: cert as Buffer, key: key as Buffer, ca: ca as Buffer };
}

const seams = { random, logger: silentLogger, meter: silentMeter, clock: systemClock };
const loopback = { host: "127.0.0.1", port: 0 };

function nodeServer() {
  const components = { ...seams, drives: new Map(), archiveDisks: new Map() };
  return createNodeServer(components, { secret, clusterId, nodeId: "node-1", version: "0.1.0" });
}

async function listening(shown: SecureContextOptions, mode: NodeTlsMode = "require") {
  const tls = { options: () => shown, mode };
  return listenWithTls(nodeServer(), loopback, {
    tls,
    logger: silentLogger,
    monotonicMs: () => systemClock.monotonicMs(),
  });
}

/** What a call of a node that shows `shown` comes to: "answered", or why not. */
async function callOf(port: number, shown: SecureContextOptions | null): Promise<string> {
  const address = { host: "127.0.0.1", port };
  const client = createNodeClient({ ...seams, tls: () => shown }, { address, secret, clusterId });
  try {
    await client.hello();
    return "answered";
  } catch (failure) {
    return (failure as Error).message;
  } finally {
    client.close();
  }
}

describe("a node's port that requires TLS", () => {
  test("answers a node of its authority, and tells every other one what it lacks", async () => {
    const listener = await listening(own);
    expect(await callOf(listener.port, own)).toBe("answered");
    expect(await callOf(listener.port, null)).toContain("takes only calls over TLS: --node-certs-dir here too");
    expect(await callOf(listener.port, foreign)).toContain("does not take this node's certificate");
    expect(await callOf(listener.port, { ca: own.ca })).toContain("does not take this node's certificate");
    await listener.close();
  });

  test("is not believed where it shows a foreign certificate, or one for another name", async () => {
    const stranger = await listening(foreign);
    expect(await callOf(stranger.port, own)).toContain("shows a certificate of no authority that this node knows");
    await stranger.close();
    const other = await listening(elsewhere);
    expect(await callOf(other.port, own)).toContain("shows a certificate for another name");
    await other.close();
  });

  test("shows a renewed certificate to who comes, and goes on with who is there", async () => {
    const listener = await listening(own);
    const address = { host: "127.0.0.1", port: listener.port };
    const client = createNodeClient({ ...seams, tls: () => own }, { address, secret, clusterId });
    await client.hello();
    expect(await shownBy(listener.port)).toBe("01");
    listener.renew(renewed);
    expect(await shownBy(listener.port)).toBe("02");
    await client.hello();
    client.close();
    await listener.close();
  });

  test("closes with connections that say nothing or stand within a handshake", async () => {
    const listener = await listening(own);
    const sockets = [Buffer.alloc(0), Buffer.from([22, 3, 1])].map((bytes) => {
      const socket = connectPlain(listener.port, "127.0.0.1");
      socket.write(bytes);
      return socket;
    });
    const closed = sockets.map(
      (socket) => new Promise((resolve) => socket.on("error", () => {}).once("close", resolve)),
    );
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    expect(await callOf(listener.port, own)).toBe("answered");
    await listener.close();
    await Promise.all(closed);
  });
});

test("a node's port that prefers TLS takes nodes with and without, and no foreign certificate", async () => {
  const listener = await listening(own, "prefer");
  expect(await callOf(listener.port, own)).toBe("answered");
  expect(await callOf(listener.port, null)).toBe("answered");
  expect(await callOf(listener.port, foreign)).toContain("does not take this node's certificate");
  await listener.close();
});

test("a node that speaks no TLS is told of as such", async () => {
  const listener = await listenForCalls(nodeServer(), loopback);
  expect(await callOf(listener.port, own)).toContain("speaks no TLS: --node-certs-dir there too");
  await listener.close();
});

/** The serial number of the certificate that a new connection sees. */
function shownBy(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ ...own, host: "127.0.0.1", port }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.once("error", reject);
  });
}
