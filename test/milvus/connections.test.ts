import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRequestHead } from "./request-head.ts";
import { kakera } from "../harness/kakera.ts";
import { spawnServer, startServer, until, type TestServer } from "../harness/server.ts";
import { elementOf, openStack, type TestStack } from "./stacks.ts";

const bucket = "a-bucket";
const withoutRootKey = { KAKERA_ROOT_USER: undefined, KAKERA_ROOT_PASSWORD: undefined };
const at = (key: string): string => `/${bucket}/${key}`;
let server: TestServer;
let go: TestStack;
let cpp: TestStack;

beforeAll(async () => {
  server = await startServer();
  [go, cpp] = [openStack("go", server.endpoint), openStack("cpp", server.endpoint)];
  await go.send({ method: "PUT", target: `/${bucket}/` });
});
afterAll(() => server.dispose());

describe("point 11: HTTP as curl and Go speak it", () => {
  test("a body that waits for its 100 is asked for; one that is refused is not", async () => {
    const [sizeBytes, key] = [2 << 20, "expected"];
    const socket = await open();
    socket.write(createRequestHead(server, { method: "PUT", target: at(key), sizeBytes, expects: true }));
    expect((await nextBytes(socket)).toString()).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    socket.write(Buffer.alloc(sizeBytes));
    expect((await nextBytes(socket)).toString()).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
    const refused = await open();
    refused.write(createRequestHead(server, { method: "PUT", target: "/no-such-bucket/x", sizeBytes, expects: true }));
    const answer = (await nextBytes(refused)).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer.toLowerCase()).toContain("connection: close");
    refused.destroy();
  });

  test("ReadAt from 0 takes the whole and hangs up after its bytes: hundreds of those hold nothing back", async () => {
    const body = randomBytes(8 << 20);
    await cpp.send({ method: "PUT", target: at("aborted"), body });
    for (let round = 0; round < 20; round++) {
      await Promise.all(
        Array.from({ length: 16 }, async () => {
          const socket = await open();
          socket.write(createRequestHead(server, { method: "GET", target: at("aborted") }));
          await nextBytes(socket);
          socket.resetAndDestroy();
        }),
      );
    }
    const whole = await Promise.all(
      Array.from({ length: 4 }, () => cpp.send({ method: "GET", target: at("aborted") })),
    );
    expect(whole.every(({ bytes }) => bytes.equals(body))).toBe(true);
    // As are uploads that end early: nothing of them is there.
    for (let round = 0; round < 20; round++) {
      const socket = await open();
      socket.write(createRequestHead(server, { method: "PUT", target: at("half"), sizeBytes: 1 << 20 }));
      socket.write(Buffer.alloc(1 << 19));
      socket.resetAndDestroy();
    }
    expect((await cpp.send({ method: "HEAD", target: at("half") })).status).toBe(404);
    expect((await cpp.send({ method: "PUT", target: at("half"), body })).status).toBe(200);
  });

  test("connections of Go and of curl may idle for a minute", async () => {
    const answer = await go.send({ method: "HEAD", target: `/${bucket}/` });
    const idleSeconds = Number(/timeout=(\d+)/.exec(answer.field("keep-alive") ?? "")?.[1]);
    expect(idleSeconds).toBeGreaterThan(60);
  });

  test("150 connections of one process are served at a time, and again", async () => {
    const sockets = await Promise.all(Array.from({ length: 150 }, open));
    for (let round = 0; round < 2; round++) {
      const answers = await Promise.all(
        sockets.map((socket) => {
          socket.write(createRequestHead(server, { method: "HEAD", target: `/${bucket}/` }));
          return nextBytes(socket);
        }),
      );
      expect(new Set(answers.map((answer) => answer.subarray(0, 15).toString()))).toEqual(new Set(["HTTP/1.1 200 OK"]));
    }
    for (const socket of sockets) socket.destroy();
  });
});

describe("point 12: the health paths that Milvus' charts and compose files ask", () => {
  test.each(["/minio/health/live", "/minio/health/ready", "/minio/health/cluster", "/health"])("%s", async (path) => {
    const answer = await fetch(server.endpoint + path);
    expect([answer.status, answer.headers.get("server")]).toEqual([200, "Kakera"]);
  });
});

describe("point 13: what Milvus brings when nobody has configured it", () => {
  test("its compose file's credentials are taken, with a warning, on port 9000 unless told otherwise", async () => {
    const minio = { MINIO_ACCESS_KEY: "minioadmin", MINIO_SECRET_KEY: "minioadmin" };
    const plain = await startServer({ env: { ...withoutRootKey, ...minio } });
    const milvus = openStack("go", plain.endpoint, { accessKey: "minioadmin", secretKey: "minioadmin" });
    expect((await milvus.send({ method: "PUT", target: "/a-bucket/" })).status).toBe(200);
    milvus.rest();
    expect(plain.output()).toContain("DEFAULT_CREDENTIALS");
    await plain.dispose();
    expect((await kakera("server", "--help")).stdout).toContain(":9000");
  });
});

describe("point 10: what cannot be read for a while is never told to be gone", () => {
  test("with too few drives, 503 for what needs them, 404 only for what was never there", async () => {
    const ill = await startServer();
    const stack = openStack("go", ill.endpoint);
    await stack.send({ method: "PUT", target: `/${bucket}/` });
    const body = randomBytes(3 << 20);
    await stack.send({ method: "PUT", target: at("files/there"), body });
    for (const drive of ["drive1", "drive2", "drive3"])
      rmSync(join(ill.directory, drive, "shards"), { recursive: true, force: true });
    const got = await stack.send({ method: "GET", target: at("files/there") });
    expect([got.status, elementOf(got.text, "Code")]).toEqual([503, "SlowDown"]);
    expect((await stack.send({ method: "HEAD", target: at("files/there") })).status).not.toBe(404);
    expect((await stack.send({ method: "GET", target: at("files/never") })).status).toBe(404);
    stack.rest();
    await ill.dispose();
  });

  test("a server that starts says 503 until it is ready, and from then on PreCheck is good at its first try", async () => {
    const started = await spawnServer();
    const stack = openStack("cpp", started.endpoint);
    const preCheck = `/${bucket}?prefix=files%2Fjustforconnectioncheck`;
    await until("it is ready", async () => {
      const answer = await stack.send({ method: "GET", target: preCheck }).catch(() => null);
      const isReady = await fetch(`${started.endpoint}/minio/health/ready`).then(
        ({ status }) => status === 200,
        () => false,
      );
      // It has no bucket yet, and says so only when it knows: it was ready before it was asked whether it is.
      if (answer !== null && !isReady) expect(elementOf(answer.text, "Code")).toBe("SlowDown");
      return isReady;
    });
    expect((await stack.send({ method: "PUT", target: `/${bucket}/` })).status).toBe(200);
    expect((await stack.send({ method: "GET", target: preCheck })).status).toBe(200);
    stack.rest();
    await started.dispose();
  });
});

async function open(): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port: server.port, noDelay: true });
  await once(socket, "connect");
  return socket;
}

async function nextBytes(socket: Socket): Promise<Buffer> {
  const [bytes] = (await once(socket, "data")) as [Buffer];
  return bytes;
}
