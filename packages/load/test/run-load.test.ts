import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "@kakera/kernel";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeBucket, prefill, RequestRefused, removeBucket, runLoad, type LoadParts } from "../src/index.ts";

/** A store as small as can be, which can be told to lie. */
let server: Server;
let parts: LoadParts;
let objects: Map<string, Buffer>;
let spoil: (body: Buffer) => Buffer;
let isFull: boolean;

beforeEach(async () => {
  objects = new Map();
  spoil = (body) => body;
  isFull = false;
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://store");
    const slices: Buffer[] = [];
    request.on("data", (slice: Buffer) => slices.push(slice));
    request.on("end", () => {
      const answer = (status: number, body: Buffer | string = ""): void => {
        response.writeHead(status, { "content-length": Buffer.byteLength(body) });
        response.end(body);
      };
      if (isFull) {
        response.writeHead(507, { "content-length": 4, connection: "close" });
        response.end("full");
      } else if (!(request.headers.authorization ?? "").includes("Credential=right/")) answer(403, "AccessDenied");
      else if (request.method === "PUT") answer(200, (objects.set(pathname, Buffer.concat(slices)), ""));
      else if (request.method === "DELETE") answer(objects.delete(pathname) ? 204 : 404);
      else if (searchParams.has("list-type"))
        answer(
          200,
          [...objects.keys()]
            .slice(0, 1_000)
            .filter((key) => key.split("/").length > 2)
            .map((key) => `<Key>${key.slice("/bucket/".length)}</Key>`)
            .join(""),
        );
      else {
        const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
        const whole = spoil(objects.get(pathname) ?? Buffer.alloc(0));
        if (range === null) answer(200, whole);
        else answer(206, whole.subarray(Number(range[1]), Number(range[2]) + 1));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  parts = { target: { host: "127.0.0.1", port, accessKey: "right", secretKey: "secret" }, clock: systemClock };
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const spec = {
  sizeBytes: 70_000,
  concurrency: 2,
  bucket: "bucket",
  objectCount: 6,
  payload: "signed",
  run: "r",
} as const;
const bounds = { durationMs: 60_000, requestCountMax: 20 };

describe("a load", () => {
  test("counts what was answered, and finds nothing wrong with a store that is right", async () => {
    await makeBucket(parts, "bucket");
    await prefill(parts, spec);
    for (const operation of ["put", "get", "range", "mixed", "list"] as const)
      expect(await runLoad(parts, { ...spec, ...bounds, operation })).toMatchObject({
        operation,
        requestCount: 20,
        wrongCount: 0,
        errorCount: 0,
      });
    await removeBucket(parts, "bucket");
    expect([...objects.keys()]).toEqual([]);
  });

  test("goes on, and counts, when the store closes the connection behind each refusal", async () => {
    await makeBucket(parts, "bucket");
    isFull = true;
    expect(await runLoad(parts, { ...spec, ...bounds, operation: "put" })).toMatchObject({
      requestCount: 20,
      errorCount: 20,
      firstError: "507 full",
    });
  });

  test.each([
    [
      "one byte that is another",
      (body: Buffer) => Buffer.from(body.map((byte, at) => (at === 40_000 ? byte ^ 1 : byte))),
    ],
    ["a body that is cut short", (body: Buffer) => body.subarray(0, body.byteLength - 1)],
    ["another object's bytes", (body: Buffer) => Buffer.alloc(body.byteLength, 7)],
  ])("sees %s", async (_, lie) => {
    await prefill(parts, spec);
    spoil = lie;
    const { wrongCount, errorCount } = await runLoad(parts, { ...spec, ...bounds, operation: "get" });
    expect([wrongCount, errorCount]).toEqual([20, 0]);
  });

  test("counts refusals, with what the first of them said", async () => {
    const stranger = { ...parts, target: { ...parts.target, accessKey: "wrong" } };
    await expect(makeBucket(stranger, "bucket")).rejects.toBeInstanceOf(RequestRefused);
    expect(await runLoad(stranger, { ...spec, ...bounds, operation: "get" })).toMatchObject({
      errorCount: 20,
      firstError: "403 AccessDenied",
    });
  });
});
