import { createManualClock } from "@kakera/kernel";
import { describe, expect, test } from "vitest";
import { CommandFailure } from "../src/command-failure.ts";
import { renderProgress, renderVerified } from "../src/commands/render-verify.ts";
import { listObjects, type ListedKey } from "../src/verify/list-objects.ts";
import { verifyObject, type ObjectVerdict } from "../src/verify/verify-object.ts";
import { verifyObjects } from "../src/verify/verify-objects.ts";
import { newVerifyState, readVerifyState, type VerifyState } from "../src/verify/verify-state.ts";

const sound: ObjectVerdict = { verdict: "ok", shardBytes: 10, troubles: [] };
const from = newVerifyState("photos", "");

async function* listed(...keys: string[]): AsyncGenerator<ListedKey> {
  for (const key of keys) yield { key, sizeBytes: 5 };
}

describe("verifyObjects()", () => {
  const work = (options: Partial<Parameters<typeof verifyObjects>[1]>) => {
    const states: VerifyState[] = [];
    const running = verifyObjects(from, {
      objects: listed("a", "b", "c"),
      verify: async () => sound,
      concurrency: 2,
      interrupted: new AbortController().signal,
      done: (state) => states.push(state),
      ...options,
    });
    return { states, running };
  };

  test("counts what was found", async () => {
    const verdicts: Record<string, ObjectVerdict["verdict"]> = { a: "in record", b: "attention", c: "lost" };
    const { running } = work({ verify: async (key) => ({ ...sound, verdict: verdicts[key] ?? "ok" }) });
    const counts = { objectCount: 3, sizeBytes: 15, inRecordCount: 1, attentionCount: 1, lostCount: 1 };
    expect(await running).toMatchObject({ progress: "done", afterKey: "c", ...counts });
  });

  test("gives account in key order, though later ones are done first", async () => {
    const first = Promise.withResolvers<ObjectVerdict>();
    const { states, running } = work({
      verify: (key) => {
        if (key === "c") queueMicrotask(() => first.resolve(sound));
        return key === "a" ? first.promise : Promise.resolve(sound);
      },
    });
    await running;
    expect(states.map(({ afterKey }) => afterKey)).toEqual(["a", "b", "c"]);
  });

  test("begins no further object once it is interrupted, and says where it stopped", async () => {
    const controller = new AbortController();
    const { running } = work({ concurrency: 1, interrupted: controller.signal, done: () => controller.abort() });
    expect(await running).toMatchObject({ progress: "under way", afterKey: "a", objectCount: 1 });
  });

  test("does not go past an object that could not be looked at", async () => {
    const failure = new Error("away");
    const { states, running } = work({
      concurrency: 1,
      verify: (key) => (key === "b" ? Promise.reject(failure) : Promise.resolve(sound)),
    });
    await expect(running).rejects.toBe(failure);
    expect(states.at(-1)?.afterKey).toBe("a");
  });
});

describe("verifyObject()", () => {
  const chunk = (chunkIndex: number, state = "verified") => ({
    dataId: "d",
    chunkIndex,
    shardSizeBytes: 100,
    spareDomains: 1,
    agrees: "yes",
    shards: [0, 1].map((shardIndex) => ({ shardIndex, places: [{ role: "home", state, driveId: "11" }] })),
  });
  const ask = async (answers: readonly (object | number)[]) => {
    const sent: string[] = [];
    const left = [...answers];
    const clock = createManualClock();
    const client = {
      send: async (_method: string, path: string) => {
        sent.push(new URL(path, "http://x").searchParams.get("firstChunk") ?? "");
        const next = left.shift() ?? 500;
        if (next === 503) queueMicrotask(() => queueMicrotask(() => clock.advance(10_000)));
        return typeof next === "number" ? { status: next, text: "{}" } : { status: 200, text: JSON.stringify(next) };
      },
    };
    const verdict = await verifyObject({ client, clock }, { bucket: "photos", key: "a" });
    return { verdict, sent };
  };
  const page = (revision: number, chunks: readonly object[], chunkCount = 3) => ({
    revision,
    chunkCount,
    chunks,
    drives: [{ driveId: "11", place: "/d1" }],
  });

  test("takes a large object piece by piece", async () => {
    const { verdict, sent } = await ask([page(1, [chunk(0), chunk(1)]), page(1, [chunk(2)])]);
    expect(verdict).toEqual({ verdict: "ok", shardBytes: 600, troubles: [] });
    expect(sent).toEqual(["0", "2"]);
  });

  test("begins anew when the object was overwritten meanwhile", async () => {
    const { verdict, sent } = await ask([
      page(1, [chunk(0), chunk(1)]),
      page(2, [chunk(0)], 1),
      page(2, [chunk(0)], 1),
    ]);
    expect(verdict).toMatchObject({ verdict: "ok", shardBytes: 200 });
    expect(sent).toEqual(["0", "2", "0"]);
  });

  test("names each shard that is not sound at home", async () => {
    const { verdict } = await ask([page(1, [chunk(0, "damaged")], 1)]);
    expect(verdict.verdict).toBe("attention");
    expect(verdict.troubles[1]).toEqual({
      dataId: "d",
      chunkIndex: 0,
      shardIndex: 1,
      state: "damaged",
      driveId: "11",
      place: "/d1",
    });
  });

  test("knows one that was deleted, and one that lies in its record", async () => {
    expect((await ask([404])).verdict.verdict).toBe("gone");
    expect((await ask([page(1, [], 0)])).verdict.verdict).toBe("in record");
  });

  test("bears a server that is away for a while, and not for ever", async () => {
    expect((await ask([503, 503, page(1, [chunk(0)], 1)])).verdict.verdict).toBe("ok");
    await expect(ask([503, 503, 503, 503, 503, page(1, [chunk(0)], 1)])).rejects.toThrow(CommandFailure);
  });
});

test("listObjects() goes on after the last key of a page, whatever is in it", async () => {
  const pages = [
    "<IsTruncated>true</IsTruncated><Contents><Key>a%20b%26</Key><Size>1</Size></Contents>",
    "<IsTruncated>false</IsTruncated><Contents><Key>c</Key><Size>2</Size></Contents>",
  ];
  const sent: string[] = [];
  const client = {
    send: async (_: string, path: string) => {
      sent.push(path);
      return { status: 200, text: pages.shift() ?? "" };
    },
  };
  const keys: string[] = [];
  for await (const { key } of listObjects(client, { bucket: "photos", prefix: "p q", afterKey: null })) keys.push(key);
  expect(keys).toEqual(["a b&", "c"]);
  expect(sent[1]).toBe("/photos?encoding-type=url&list-type=2&prefix=p%20q&start-after=a%20b%26");
});

describe("a state file", () => {
  const kept = JSON.stringify({ ...from, afterKey: "m", objectCount: 3 });

  test("goes on where it stopped, and anew when it was done", () => {
    const wanted = { bucket: "photos", prefix: "" };
    expect(readVerifyState(null, wanted)).toEqual(from);
    expect(readVerifyState(kept, wanted)).toMatchObject({ afterKey: "m", objectCount: 3 });
    expect(readVerifyState(kept.replace("under way", "done"), wanted)).toEqual(from);
  });

  test("of something else is refused", () => {
    expect(() => readVerifyState(kept, { bucket: "films", prefix: "" })).toThrow("is of photos/");
    expect(() => readVerifyState("what?", { bucket: "photos", prefix: "" })).toThrow("none of kakera verify");
  });
});

test("progress tells share, speed and time left, and nothing that is not known yet", () => {
  const state = { ...from, objectCount: 25, sizeBytes: 25 * 2 ** 20 };
  const of = { from, totals: { objectCount: 100, sizeBytes: 100 * 2 ** 20 }, elapsedMs: 5_000 };
  expect(renderProgress(state, of)).toBe("[######..................] 25 %  25 of 100 objects  5.0 MiB/s  15 s left");
  expect(renderProgress(from, of)).toBe("[........................] 0 %  0 of 100 objects");
  expect(renderVerified({ ...state, lostCount: 1 }).join("\n")).toContain("0 not whole, 1 lost");
});
