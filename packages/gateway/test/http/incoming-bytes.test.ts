import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { createManualClock } from "@kakera/kernel";
import { describe, expect, it } from "vitest";
import { bodyRateRule, BodyTooSlow, ClientGone, IncomingBytes } from "../../src/http/incoming-bytes.ts";
import { eventually } from "../fakes/eventually.ts";

function bodyOn(): {
  stream: PassThrough;
  bytes: IncomingBytes;
  clock: ReturnType<typeof createManualClock>;
  asked: () => number;
} {
  const stream = new PassThrough();
  const clock = createManualClock();
  let askedCount = 0;
  const bytes = new IncomingBytes(stream as unknown as IncomingMessage, {
    clock,
    rule: bodyRateRule,
    askToContinue: () => askedCount++,
  });
  return { stream, bytes, clock, asked: () => askedCount };
}

/** Pulls until the end, while one slice of `sliceBytes` comes each `everyMs`. */
async function trickle(sliceBytes: number, everyMs: number, sliceCount: number): Promise<number> {
  const { stream, bytes, clock } = bodyOn();
  for (let i = 0; i < sliceCount; i++) {
    const slice = bytes.pull();
    clock.advance(everyMs);
    stream.write(Buffer.alloc(sliceBytes));
    await slice;
  }
  return bytes.receivedBytes;
}

describe("line 10: IncomingBytes", () => {
  it("asks to continue at the first pull, once, and reads nothing before", async () => {
    const { stream, bytes, asked } = bodyOn();
    stream.write("hello");
    expect([asked(), bytes.receivedBytes, bytes.isStarted]).toEqual([0, 0, false]);
    expect((await bytes.pull())?.toString()).toBe("hello");
    stream.end();
    expect(await bytes.pull()).toBeNull();
    expect([asked(), bytes.isComplete]).toEqual([1, true]);
  });

  it("takes a slow and living body of any length", async () => {
    expect(await trickle(30_000, 20_000, 50)).toBe(1_500_000);
  });

  it("gives up a body that trickles below the rate", async () => {
    await expect(trickle(100, 20_000, 50)).rejects.toThrow(BodyTooSlow);
  });

  it("gives up a body that stops", async () => {
    const { bytes, clock } = bodyOn();
    const slice = bytes.pull();
    clock.advance(bodyRateRule.silenceMsMax);
    await expect(slice).rejects.toThrow(BodyTooSlow);
    expect(bytes.isBroken).toBe(true);
  });

  it("counts no time in which nothing was asked for", async () => {
    const { stream, bytes, clock } = bodyOn();
    stream.write(Buffer.alloc(10));
    await bytes.pull();
    clock.advance(3_600_000);
    stream.write(Buffer.alloc(10));
    await bytes.pull();
    stream.end(Buffer.alloc(10));
    expect((await bytes.pull())?.byteLength).toBe(10);
  });

  it("frees the memory of what was handed out as soon as more is asked for, unless others' bytes lie in it", async () => {
    const { stream, bytes } = bodyOn();
    const [own, shared] = [Buffer.alloc(64 * 1024, 1), Buffer.alloc(64 * 1024, 2)];
    stream.write(own);
    expect((await bytes.pull())?.byteLength).toBe(64 * 1024);
    stream.write(shared.subarray(0, 32 * 1024));
    expect((await bytes.pull())?.byteLength).toBe(32 * 1024);
    expect(own.byteLength).toBe(0);
    stream.end();
    expect(await bytes.pull()).toBeNull();
    expect(shared[0]).toBe(2);
  });

  it("holds back a sender that is faster than the drives", async () => {
    const { stream, bytes } = bodyOn();
    stream.write(Buffer.alloc(1000));
    await bytes.pull();
    let acceptedBytes = 0;
    while (stream.write(Buffer.alloc(16 * 1024)) || acceptedBytes < 200 * 1024) {
      acceptedBytes += 16 * 1024;
      if (acceptedBytes > 4 * 1024 * 1024) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(acceptedBytes).toBeLessThan(1024 * 1024);
    let drainedBytes = 0;
    stream.end();
    for (let slice = await bytes.pull(); slice !== null; slice = await bytes.pull()) drainedBytes += slice.byteLength;
    expect(drainedBytes).toBeGreaterThanOrEqual(acceptedBytes);
  });

  it("rejects when the client goes away within the body", async () => {
    const { stream, bytes } = bodyOn();
    const slice = bytes.pull();
    stream.destroy();
    await expect(slice).rejects.toThrow(ClientGone);
  });

  it("drops the rest without holding it", async () => {
    const { stream, bytes } = bodyOn();
    stream.write(Buffer.alloc(100_000));
    await bytes.pull();
    bytes.drop();
    stream.end(Buffer.alloc(100_000));
    await eventually(() => bytes.isComplete, "the rest is taken off the connection");
    expect(stream.readableLength).toBe(0);
  });
});
