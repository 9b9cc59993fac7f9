import type { Geometry } from "@kakera/kernel";
import type { BodyRange, WrittenBody } from "../../src/bodies.ts";
import { heal } from "./drive-fates.ts";
import { collectingSink, sourceOf, underClock, type TestStore } from "./test-store.ts";

/** The signal of a client that stays. */
export const never = new AbortController().signal;
/** Properties share two cores with everything else that runs. */
export const propertyTime = { timeout: 90_000 };

/** How often a property is tried; with a seed the same cases every time. */
export interface PropertyRuns {
  readonly numRuns: number;
  readonly seed?: number;
}

export const geometries: readonly Geometry[] = [
  { k: 1, m: 1 },
  { k: 2, m: 1 },
  { k: 2, m: 2 },
  { k: 4, m: 2 },
];

export function write(
  store: TestStore,
  bytes: Buffer,
  options: Parameters<typeof sourceOf>[1] = {},
): Promise<WrittenBody> {
  return underClock(store.clock, store.bodies.write(sourceOf(bytes, options), store.owner, never));
}

export async function read(
  store: TestStore,
  body: WrittenBody,
  range: BodyRange = { offsetBytes: 0, lengthBytes: body.sizeBytes },
): Promise<Buffer> {
  const sink = collectingSink();
  await underClock(store.clock, store.bodies.read([body], range, sink, never), 10);
  return sink.bytes();
}

/** Hung calls end, and with them what they pinned. */
export async function afterwards(store: TestStore, waitMs = 2_000): Promise<void> {
  heal(store.drives);
  await underClock(store.clock, new Promise<void>((resolve) => void store.clock.setTimer(waitMs, resolve)));
}
