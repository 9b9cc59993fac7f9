import { assert, ClusterFailure } from "@kakera/kernel";
import type { SharedMemory } from "@kakera/erasure";
import type { BodyRange, BodySink, StoredBody } from "../bodies.ts";
import type { Budget } from "../memory-budget.ts";
import { SlabLease } from "../slab-lease.ts";
import type { FetchParts } from "./fetch-parts.ts";
import { WindowFetch } from "./fetch-window.ts";
import { windowBytesMin, type RequestMemory } from "./window-memory.ts";
import { namedSubstitutes } from "./named-substitutes.ts";
import { memoryNeeded, planSteps, type ReadStep } from "./plan-windows.ts";
import { readAheadDepth, readNowBytesMax, sentTogetherBytes } from "./read-settings.ts";

export interface ReadParts extends FetchParts {
  readonly memory: SharedMemory;
  readonly budget: Budget;
}

export interface ReadRequest {
  readonly bodies: readonly StoredBody[];
  readonly range: BodyRange;
  readonly sink: BodySink;
  readonly signal: AbortSignal;
}

/** Sends a range of a body, verified and in order: the story of architecture.md section 6. Contract: Bodies. */
export async function readBody(parts: ReadParts, request: ReadRequest): Promise<void> {
  const { bodies, range, signal } = request;
  if (range.lengthBytes === 0) return;
  const named = namedSubstitutes(parts.log.view, bodies);
  // A copy's share may be less: the read goes on without reading ahead.
  const neededBytes = Math.min(memoryNeeded(parts.map, bodies, range), parts.budget.bytesMax);
  const memorySource = parts.budget.tryTake(neededBytes) ?? (await parts.budget.take(neededBytes, signal));
  const lease = new SlabLease(parts.memory, neededBytes, (bytes) => memorySource.give(bytes));
  try {
    await sendSteps(parts, request, { lease, hung: new Set(), named });
  } finally {
    lease.end();
  }
}

/** A step whose bytes are at hand (`ready` null), or will be. */
interface Started {
  readonly step: ReadStep;
  readonly fetch: WindowFetch | null;
  readonly ready: Promise<void> | null;
}

/** The front of the queue is sent while what is behind it is fetched. */
async function sendSteps(parts: ReadParts, request: ReadRequest, memory: RequestMemory): Promise<void> {
  const { bodies, range, sink, signal } = request;
  const { lease } = memory;
  const steps = planSteps(parts.map, bodies, range);
  const queue: Started[] = [];
  let next = steps.next();
  try {
    for (;;) {
      while (next.done !== true && queue.length < readAheadDepth && hasRoom(lease, next.value)) {
        queue.push(start(parts, memory, next.value));
        next = steps.next();
      }
      const front = queue[0];
      if (front === undefined) {
        if (next.done === true) return;
        await untilRoom(parts, { lease, step: next.value, signal });
        continue;
      }
      if (front.ready !== null) await untilReady(front.ready, signal);
      signal.throwIfAborted();
      await send(front, sink);
      queue.shift();
      front.fetch?.retire();
    }
  } finally {
    for (const started of queue) {
      started.fetch?.retire();
      started.ready?.catch(() => {});
    }
  }
}

function hasRoom(lease: SlabLease, step: ReadStep): boolean {
  return step.kind === "inline" || lease.unusedBytes >= windowBytesMin(step.window);
}

/** Slow drives still fill what earlier windows gave up on: until enough of that came back. */
async function untilRoom(
  parts: ReadParts,
  { lease, step, signal }: { readonly lease: SlabLease; readonly step: ReadStep; readonly signal: AbortSignal },
): Promise<void> {
  const deadline = Promise.withResolvers<never>();
  const timer = parts.clock.setTimer(parts.settings.windowDeadlineMs, () =>
    deadline.reject(new ClusterFailure("retry", "drives hang on a read's memory", { reason: "SHARDS_SHORT" })),
  );
  const room = step.kind === "inline" ? Promise.resolve() : lease.untilUnused(windowBytesMin(step.window));
  try {
    await untilReady(Promise.race([room, deadline.promise]), signal);
  } finally {
    timer.cancel();
  }
}

function start(parts: ReadParts, memory: RequestMemory, step: ReadStep): Started {
  if (step.kind === "inline") return { step, fetch: null, ready: null };
  const fetch = new WindowFetch(parts, memory, step.window);
  const { extent, neededShards } = step.window;
  const isSmall = extent.lengthBytes * neededShards.length <= readNowBytesMax;
  try {
    if (isSmall && fetch.tryNow()) return { step, fetch, ready: null };
  } catch (failure) {
    fetch.retire();
    throw failure;
  }
  const ready = fetch.fetch();
  // Its failure is met when its turn comes.
  ready.catch(() => {});
  return { step, fetch, ready };
}

async function send({ step, fetch }: Started, sink: BodySink): Promise<void> {
  if (step.kind === "inline") {
    const { buffer, byteOffset, byteLength } = step.bytes;
    return sink.write(Buffer.from(buffer, byteOffset, byteLength));
  }
  assert(fetch !== null, "a window is fetched");
  for (const pieces of together(fetch.views())) {
    if (sink.writeTogether !== undefined) await sink.writeTogether(pieces);
    else for (const bytes of pieces) await sink.write(bytes);
  }
}

/** Neighbours, about as many bytes at a time as a reader must take within the sink's patience. */
function* together(views: Iterable<Buffer>): Generator<Buffer[]> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  for (const view of views) {
    pieces.push(view);
    bytes += view.byteLength;
    if (bytes < sentTogetherBytes) continue;
    yield pieces;
    pieces = [];
    bytes = 0;
  }
  if (pieces.length > 0) yield pieces;
}

/** Resolves with `ready`; rejects when the signal is aborted first. */
function untilReady(ready: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    const leave = (): void => signal.removeEventListener("abort", onAbort);
    ready.then(resolve, reject).finally(leave);
  });
}
