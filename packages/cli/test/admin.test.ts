import { createSeededRandom, newId } from "@kakera/kernel";
import { describe, expect, test } from "vitest";
import { createAdmin, type AdminPorts } from "../src/admin/create-admin.ts";
import { CommandFailure } from "../src/command-failure.ts";
import type { MovePlan } from "../src/moves/make-plan.ts";
import { judgeAnswer } from "../src/client/judge-answer.ts";

const driveId = newId("drive", createSeededRandom(1));
const explained = {
  sizeBytes: 5,
  modifiedMs: 1,
  revision: 2,
  partCount: 0,
  inlineBytes: 5,
  chunkCount: 0,
  chunks: [],
  scrubbedMs: new Map([[driveId, 5]]),
};
const ports: AdminPorts = {
  status: () => ({ kind: "status", census: { provenMs: 17 } }) as ReturnType<AdminPorts["status"]>,
  buckets: () => [],
  drives: () => [],
  activity: (sinceMs) => ({ kind: "activity", version: 1, intervalMs: sinceMs, samples: [] }),
  replaceDrive: (directory) =>
    directory === "/empty"
      ? Promise.resolve(driveId)
      : Promise.reject(new CommandFailure("REFUSED", "it is full", { exitCode: 4, remedy: "empty it" })),
  addDrive: () => Promise.resolve(driveId),
  forgetDrive: () => Promise.resolve(),
  orderRepair: () => Promise.resolve(),
  explain: ({ bucket }) => Promise.resolve(bucket === "there" ? explained : null),
  trace: { open: () => "t1", next: async () => null, close: () => {} },
  moves: {
    plan: ({ action, names }) => Promise.resolve({ plan: `${action}:${names.join()}@0` } as MovePlan),
    apply: (name) =>
      name === "add@0"
        ? Promise.resolve()
        : Promise.reject(new CommandFailure("REFUSED", "the cluster has changed since", { exitCode: 4 })),
    order: (order, name) => Promise.resolve(name ?? `the one to ${order}`),
  },
};
const ask = (method: string, path: string, body: unknown = null, query: Record<string, string> = {}) =>
  createAdmin(ports).handle({ method, path, query: new Map(Object.entries(query)), body });

describe("the administration", () => {
  test("answers what it can see", async () => {
    expect(await ask("GET", "/status")).toEqual({ status: 200, json: { kind: "status", census: { provenMs: 17 } } });
    expect(await ask("GET", "/buckets")).toEqual({ status: 200, json: { kind: "buckets", version: 1, buckets: [] } });
    expect(await ask("GET", "/drives")).toEqual({ status: 200, json: { kind: "drives", version: 1, drives: [] } });
  });

  test("tells what the server has done since a moment", async () => {
    expect(await ask("GET", "/activity", null, { since: "7" })).toMatchObject({ status: 200, json: { intervalMs: 7 } });
    expect((await ask("GET", "/activity", null, { since: "soon" })).status).toBe(400);
  });

  test("replaces and forgets drives", async () => {
    expect(await ask("POST", "/drives/replace", { directory: "/empty" })).toMatchObject({
      status: 200,
      json: { driveId },
    });
    expect(await ask("POST", "/drives/forget", { driveId })).toMatchObject({ status: 200, json: { driveId } });
  });

  test("hands orders for repair on, and knows only those that there are", async () => {
    expect(await ask("POST", "/repair", { order: "now" })).toMatchObject({ status: 200, json: { order: "now" } });
    expect((await ask("POST", "/repair", { order: "later" })).status).toBe(400);
  });

  test("explains an object, with the drives that its shards were looked for on", async () => {
    const { status, json } = await ask("GET", "/explain", null, { bucket: "there", key: "a b/ü" });
    expect(status).toBe(200);
    expect(json).toMatchObject({ kind: "explanation", bucket: "there", key: "a b/ü", reads: "headers", provenMs: 17 });
    expect(json).toMatchObject({ drives: [{ driveId, scrubbedMs: 5, place: "" }] });
  });

  test.each([
    [{ bucket: "gone", key: "k" }, 404],
    [{ bucket: "there" }, 400],
    [{ bucket: "there", key: "k", chunks: "0" }, 400],
    [{ bucket: "there", key: "k", chunks: "1001" }, 400],
  ])("explains nothing for %j: %i", async (query, expected) => {
    expect((await ask("GET", "/explain", null, query as Record<string, string>)).status).toBe(expected);
  });

  test("plans moves, applies a plan, and takes orders about it", async () => {
    expect(await ask("POST", "/plans", { action: "remove", names: ["node1"] })).toEqual({
      status: 200,
      json: { plan: "remove:node1@0" },
    });
    expect(await ask("POST", "/plans/apply", { plan: "add@0" })).toMatchObject({
      status: 200,
      json: { plan: "add@0" },
    });
    expect(await ask("POST", "/plans/apply", { plan: "add@1" })).toMatchObject({ status: 409 });
    expect(await ask("POST", "/plans/pause", { plan: "" })).toMatchObject({ json: { plan: "the one to pause" } });
    expect(await ask("POST", "/plans/abort", { plan: "add@0" })).toMatchObject({ json: { plan: "add@0" } });
  });

  test("refuses with a reason and a remedy", async () => {
    const { status, json } = await ask("POST", "/drives/replace", { directory: "/full" });
    expect({ status, json }).toEqual({
      status: 409,
      json: { kind: "error", version: 1, reason: "REFUSED", message: "it is full", remedy: "empty it" },
    });
  });

  test.each([
    ["POST", "/drives/replace", null, 400],
    ["POST", "/drives/replace", { directory: "" }, 400],
    ["POST", "/drives/replace", "text", 400],
    ["POST", "/drives/forget", { driveId: "xyz" }, 400],
    ["POST", "/plans", { action: "geometry", names: ["4+2", "6+3"] }, 400],
    ["POST", "/plans", { action: "add", names: "node1" }, 400],
    ["POST", "/plans", { action: "add", names: ["a,b"] }, 400],
    ["POST", "/plans", { action: "replace", names: ["old"] }, 400],
    ["POST", "/plans/apply", {}, 400],
    ["DELETE", "/status", null, 404],
    ["GET", "/other", null, 404],
  ])("%s %s %j: %i", async (method, path, body, status) => {
    expect((await ask(method, path, body)).status).toBe(status);
  });
});

describe("judgeAnswer()", () => {
  test("hands a good body on", () => {
    expect(judgeAnswer({ status: 200, text: "body" })).toBe("body");
  });

  test.each([
    [{ status: 403, text: "<Error><Code>AccessDenied</Code><Message>no</Message></Error>" }, "AccessDenied", 5],
    [{ status: 503, text: "<Error><Code>SlowDown</Code><Message>later</Message></Error>" }, "SlowDown", 3],
    [{ status: 409, text: "<Error><Code>BucketNotEmpty</Code><Message>full</Message></Error>" }, "BucketNotEmpty", 1],
    [{ status: 409, text: '{"reason":"REFUSED","message":"no"}' }, "REFUSED", 4],
    [{ status: 404, text: "" }, "HTTP_404", 1],
  ])("%j", (answer, reason, exitCode) => {
    expect(() => judgeAnswer(answer)).toThrow(expect.objectContaining({ reason, exitCode }) as Error);
  });
});
