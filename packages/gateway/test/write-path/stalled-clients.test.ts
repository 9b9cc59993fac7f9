import { describe, expect, test } from "vitest";
import { KIB, MIB, type ManualClock } from "@kakera/kernel";
import type { BodySource } from "../../src/bodies.ts";
import { createTestStore, patternBytes, sourceOf, underClock, type TestStore } from "../fakes/test-store.ts";

const never = new AbortController().signal;
const waitMsMax = 30_000;
const largeBytes = 9 * MIB;
const stopped = new Error("the body stopped coming");

/** A client that sends a piece of a large body, and then `bytesPerSecond`. */
function slowClient(clock: ManualClock, bytesPerSecond: number): Required<BodySource> & { isGivenUp(): boolean } {
  let leftBytes = largeBytes;
  let isGivenUp = false;
  let giveUp = (): void => {};
  const given = new Promise<null>((_resolve, reject) => (giveUp = () => reject(stopped)));
  given.catch(() => {});
  const takeOff = (sizeBytes: number): Buffer => {
    const slice = Buffer.alloc(Math.min(sizeBytes, leftBytes));
    leftBytes -= slice.byteLength;
    return slice;
  };
  return {
    sizeBytes: largeBytes,
    isGivenUp: () => isGivenUp,
    async pull() {
      if (leftBytes === 0) return null;
      if (leftBytes === largeBytes) return takeOff(512 * KIB);
      if (bytesPerSecond === 0) return given;
      const second = new Promise<void>((resolve) => void clock.setTimer(1_000, resolve));
      await Promise.race([second, given]);
      return takeOff(bytesPerSecond);
    },
    giveUp() {
      isGivenUp = true;
      giveUp();
    },
  };
}

/** A store whose memory for large bodies is held by such clients. */
async function heldBy(bytesPerSecond: number) {
  const store = await createTestStore({
    geometry: { k: 2, m: 2 },
    bodies: { budgetWaitMsMax: waitMsMax, write: { etag: "fast" } },
  });
  const clients = Array.from({ length: 5 }, () => slowClient(store.clock, bytesPerSecond));
  const outcomes = clients.map((client) =>
    store.bodies.write(client, store.owner, never).then(
      () => "written",
      (failure: unknown) => failure,
    ),
  );
  return { store, clients, outcomes };
}

const pass = (store: TestStore, ms: number): Promise<void> =>
  underClock(store.clock, new Promise<void>((resolve) => void store.clock.setTimer(ms, resolve)));

describe("clients that stall within large bodies", () => {
  test.each([0, 2 * KIB])("make way when others wait for memory (%i bytes a second)", async (bytesPerSecond) => {
    const { store, clients, outcomes } = await heldBy(bytesPerSecond);
    await pass(store, 60_000);
    expect(clients.some((client) => client.isGivenUp())).toBe(false);
    const others = [1, 2].map((seed) =>
      store.bodies.write(sourceOf(patternBytes(largeBytes, seed)), store.owner, never),
    );
    const startMs = store.clock.monotonicMs();
    await underClock(store.clock, Promise.all(others));
    expect(store.clock.monotonicMs() - startMs).toBeLessThan(waitMsMax / 2);
    // As many as had to, and no more.
    const gone = clients.map((client) => client.isGivenUp());
    expect(gone.filter((isGone) => isGone).length).toBeLessThanOrEqual(others.length);
    expect(await Promise.all(outcomes.filter((_outcome, index) => gone[index]))).toEqual(
      gone.filter((isGone) => isGone).map(() => stopped),
    );
    for (const client of clients) client.giveUp();
    await underClock(store.clock, Promise.all(outcomes));
  });

  test("are slow and not stalled while they bring something, and are waited for", async () => {
    const { store, clients, outcomes } = await heldBy(200 * KIB);
    const other = store.bodies.write(sourceOf(patternBytes(largeBytes)), store.owner, never).catch(() => "refused");
    await underClock(store.clock, Promise.all([other, ...outcomes]));
    expect(clients.some((client) => client.isGivenUp())).toBe(false);
    expect(await Promise.all(outcomes)).toEqual(clients.map(() => "written"));
  });
});
