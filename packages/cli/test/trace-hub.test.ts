import { createManualClock, createSeededRandom } from "@kakera/kernel";
import type { EndedRequest } from "@kakera/gateway";
import { describe, expect, test } from "vitest";
import { RequestTeller } from "../src/processes/told-requests.ts";
import { matchesTrace, splitResource, type TraceFilter } from "../src/trace/trace-filter.ts";
import { TraceHub } from "../src/trace/trace-hub.ts";

const anything: TraceFilter = {
  bucket: null,
  prefix: null,
  operation: null,
  status: null,
  outcome: "all",
  slowerThanMs: 0,
};
const request: EndedRequest = {
  endedMs: 1,
  durationMs: 20,
  requestId: "R",
  operation: "GetObject",
  method: "GET",
  resource: "/b/dir/key",
  accessKey: null,
  clientAddress: "127.0.0.1",
  statusCode: 404,
  code: "NoSuchKey",
  receivedBytes: 0,
  sentBytes: 300,
};

function createHub() {
  const clock = createManualClock();
  return { clock, hub: new TraceHub({ clock, random: createSeededRandom(1) }) };
}

describe("TraceHub", () => {
  test("looks at nothing while nobody watches", () => {
    const { hub } = createHub();
    expect(hub.isWatching).toBe(false);
    const id = hub.open(anything);
    expect(hub.isWatching).toBe(true);
    hub.close(id);
    expect(hub.isWatching).toBe(false);
  });

  test("hands over at once what is there, and else what comes first", async () => {
    const { hub } = createHub();
    const id = hub.open(anything);
    const waiting = hub.next(id, 1_000);
    hub.note(request);
    expect(await waiting).toEqual({ requests: [request], droppedCount: 0, state: "going on" });
    hub.note(request);
    hub.note(request);
    expect((await hub.next(id, 1_000))?.requests).toHaveLength(2);
  });

  test("answers with nothing when nothing comes in time", async () => {
    const { hub, clock } = createHub();
    const waiting = hub.next(hub.open(anything), 1_000);
    clock.advance(1_000);
    expect(await waiting).toEqual({ requests: [], droppedCount: 0, state: "going on" });
  });

  test("keeps a bounded queue for each, and says how many it dropped", async () => {
    const { hub } = createHub();
    const [all, none] = [hub.open(anything), hub.open({ ...anything, bucket: "other" })];
    for (let i = 0; i < 5_000; i++) hub.note(request);
    hub.noteOthers([], 7);
    let told = 0;
    let dropped = 0;
    for (let i = 0; i < 5; i++) {
      const batch = i < 4 ? await hub.next(all, 0) : null;
      told += batch?.requests.length ?? 0;
      dropped += batch?.droppedCount ?? 0;
    }
    expect(told + dropped).toBe(5_007);
    expect(told).toBe(4_096);
    hub.close(all);
    const ended = hub.end();
    expect(await hub.next(none, 0)).toMatchObject({ requests: [] });
    await ended;
  });

  test("forgets who does not come back, and refuses too many", async () => {
    const { hub, clock } = createHub();
    const ids = Array.from({ length: 16 }, () => hub.open(anything));
    expect(() => hub.open(anything)).toThrow("16 traces");
    clock.advance(60_000);
    expect(hub.isWatching).toBe(false);
    expect(await hub.next(ids[0] as string, 0)).toBeNull();
  });

  test("lets nobody wait when the server stops", async () => {
    const { hub } = createHub();
    const waiting = hub.next(hub.open(anything), 1_000_000);
    const ended = hub.end();
    expect(await waiting).toMatchObject({ state: "ending" });
    await ended;
  });

  test("stops only when one who was between two calls has all that was left, and knows that it ends", async () => {
    const { hub } = createHub();
    const id = hub.open(anything);
    for (let i = 0; i < 1_500; i++) hub.note(request);
    let isOver = false;
    const ended = hub.end().then(() => (isOver = true));
    expect(await hub.next(id, 0)).toMatchObject({ state: "going on" });
    expect(isOver).toBe(false);
    const last = await hub.next(id, 0);
    expect([last?.state, last?.requests.length]).toEqual(["ending", 476]);
    await ended;
    expect(await hub.next(id, 0)).toBeNull();
  });

  test("waits a second for one who does not come back, and for nobody when there is nobody", async () => {
    const { hub, clock } = createHub();
    hub.open(anything);
    const ended = hub.end();
    clock.advance(1_000);
    await ended;
    await createHub().hub.end();
  });
});

describe("matchesTrace()", () => {
  test.each([
    [{}, true],
    [{ bucket: "b" }, true],
    [{ bucket: "b", prefix: "dir/" }, true],
    [{ bucket: "b", prefix: "other/" }, false],
    [{ bucket: "c" }, false],
    [{ operation: "getobject" }, true],
    [{ operation: "PutObject" }, false],
    [{ status: "404" }, true],
    [{ status: "4xx" }, true],
    [{ status: "5XX" }, false],
    [{ status: "nosuchkey" }, true],
    [{ outcome: "errors" as const }, true],
    [{ slowerThanMs: 21 }, false],
  ])("%j: %s", (filter, expected) => {
    expect(matchesTrace(request, { ...anything, ...filter })).toBe(expected);
  });

  test("shows the administration, probes and scrapes on request only", () => {
    const admin = { ...request, operation: "Admin", statusCode: 200 };
    expect(matchesTrace(admin, anything)).toBe(false);
    expect(matchesTrace(admin, { ...anything, operation: "admin" })).toBe(true);
    expect(matchesTrace({ ...request, statusCode: null }, { ...anything, outcome: "errors" })).toBe(true);
  });

  test("splitResource() tells bucket and key", () => {
    expect(splitResource("/b/a/k")).toEqual({ bucket: "b", key: "a/k" });
    expect(splitResource("/b")).toEqual({ bucket: "b", key: null });
    expect(splitResource("/")).toEqual({ bucket: null, key: null });
  });
});

test("RequestTeller tells many at once, and how many it had no room for", () => {
  const clock = createManualClock();
  const told: unknown[] = [];
  const teller = new RequestTeller(clock, ({ requests, droppedCount }) => told.push([requests.length, droppedCount]));
  expect(teller.isWatching).toBe(false);
  teller.told(true);
  for (let i = 0; i < 2_050; i++) teller.note(request);
  clock.advance(50);
  teller.note(request);
  clock.advance(50);
  expect(told).toEqual([
    [2_048, 2],
    [1, 0],
  ]);
});
