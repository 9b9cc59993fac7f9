import { createServer, connect, type Socket } from "node:net";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ClusterFailure, createManualClock, createSeededRandom, systemClock } from "@kakera/kernel";
import { openFrames, type ProcessChannel } from "../src/drivers/frame-socket.ts";
import { MetricsMerger } from "../src/drivers/merge-metrics.ts";
import { placeSocket } from "../src/drivers/place-socket.ts";
import { createPromMeter } from "../src/drivers/prom-meter.ts";
import { ControlLink } from "../src/processes/control-link.ts";

let folder: string;
let ends: [Socket, Socket];
const channels: ProcessChannel[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "kakera-channel-"));
  const path = join(folder, "pair");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  ends = [connect(path), await accepted];
  server.close();
});
afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
  for (const end of ends) end.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const open = (at: 0 | 1): ProcessChannel => {
  const channel = openFrames(ends[at], systemClock);
  channels.push(channel);
  return channel;
};

describe("the channel between two processes", () => {
  test("brings messages whole and in order, each kind for itself, however the stream is cut", async () => {
    const random = createSeededRandom(5);
    const [near, far] = [open(0), open(1)];
    const received: { log: Buffer[]; control: Buffer[] } = { log: [], control: [] };
    const all = Promise.withResolvers<void>();
    const messages = Array.from({ length: 300 }, (_, at) =>
      Buffer.concat([Buffer.from(`${at} `), Buffer.from(random.bytes(Math.floor(random.fraction() ** 4 * 300_000)))]),
    );
    for (const lane of ["log", "control"] as const) {
      far[lane].onMessage((message) => {
        received[lane].push(Buffer.from(message));
        if (received.log.length + received.control.length === messages.length) all.resolve();
      });
    }
    for (const [at, message] of messages.entries()) {
      near[at % 3 === 0 ? "log" : "control"].send(message);
      if (random.fraction() < 0.3) await new Promise((resolve) => setImmediate(resolve));
    }
    await all.promise;
    const sent = (isLog: boolean): Buffer[] => messages.filter((_, at) => (at % 3 === 0) === isLog);
    expect(received.log.length).toBe(sent(true).length);
    expect(received.log.every((message, at) => message.equals(sent(true)[at] as Buffer))).toBe(true);
    expect(received.control.every((message, at) => message.equals(sent(false)[at] as Buffer))).toBe(true);
  });

  test("is closed for both when one end goes, once", async () => {
    const [near, far] = [open(0), open(1)];
    const closed = Promise.withResolvers<void>();
    let count = 0;
    far.control.onClosed(() => {
      count++;
      closed.resolve();
    });
    near.close();
    await closed.promise;
    far.close();
    expect(count).toBe(1);
    far.control.send(Buffer.from("into nothing"));
  });

  test("takes no frame without an end", async () => {
    const far = open(1);
    const closed = new Promise<void>((resolve) => far.log.onClosed(resolve));
    ends[0].write(Buffer.from([0xff, 0xff, 0xff, 0x7f, 0]));
    await closed;
  });
});

describe("what processes ask each other", () => {
  test("is answered by name; a failure is told, and so are the end and silence", async () => {
    const clock = createManualClock();
    const near = new ControlLink(open(0).control, clock);
    const farChannel = open(1);
    const far = new ControlLink(farChannel.control, clock);
    far.on("double", (value: number) => value * 2);
    far.on("fail", () => {
      throw new ClusterFailure("retry", "not now");
    });
    far.on("silence", () => new Promise(() => {}));
    const told = Promise.withResolvers<string>();
    far.on("word", (word: string) => told.resolve(word));
    expect(await near.ask("double", 21, 1000)).toBe(42);
    await expect(near.ask("fail", null, 1000)).rejects.toThrow("not now");
    near.tell("word", "hello");
    expect(await told.promise).toBe("hello");
    const silent = near.ask("silence", null, 1000);
    clock.advance(1001);
    await expect(silent).rejects.toMatchObject({ kind: "retry" });
    const cut = near.ask("silence", null, 100_000);
    farChannel.close();
    await expect(cut).rejects.toMatchObject({ kind: "retry" });
    await expect(near.ask("double", 1, 1000)).rejects.toMatchObject({ kind: "retry" });
  });
});

describe("the figures of several processes", () => {
  const measure = async (requests: number, lag: number) => {
    const meter = createPromMeter();
    meter.meter.counter({ name: "kakera_c_total", help: "c", labels: ["code"] }).add(requests, { code: "200" });
    meter.meter.gauge({ name: "kakera_event_loop_lag_seconds", help: "l" }).set(lag);
    meter.meter.histogram({ name: "kakera_h_seconds", help: "h", buckets: [1, 2] }).observe(requests, {});
    return meter.records();
  };
  const figure = (text: string, name: string): number =>
    Number(
      text
        .split("\n")
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length + 1),
    );

  test("are added up, but for those of which one is the truth", async () => {
    const text = await new MetricsMerger().text([await measure(1, 0.5), await measure(3, 0.2)]);
    expect(figure(text, 'kakera_c_total{code="200"}')).toBe(4);
    expect(figure(text, 'kakera_h_seconds_bucket{le="1"}')).toBe(1);
    expect(figure(text, "kakera_h_seconds_count")).toBe(2);
    expect(figure(text, "kakera_event_loop_lag_seconds")).toBe(0.5);
    expect(figure(text, "process_start_time_seconds")).toBeLessThan(Date.now());
  });

  test("do not fall when a process dies: what it had counted stays, what it was does not", async () => {
    const merger = new MetricsMerger();
    for (let life = 0; life < 3; life++) merger.retire(await measure(10, 9));
    for (let scrape = 0; scrape < 3; scrape++) {
      const text = await merger.text([await measure(1, 0.5)]);
      expect(figure(text, 'kakera_c_total{code="200"}')).toBe(31);
      expect(figure(text, "kakera_event_loop_lag_seconds")).toBe(0.5);
    }
  });
});

describe("placeSocket()", () => {
  test("stays within what the system takes for a path, and lets nobody else in", async () => {
    for (const directory of [folder, join(folder, "d".repeat(120))]) {
      const place = placeSocket(directory);
      expect(Buffer.byteLength(place.path)).toBeLessThanOrEqual(107);
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(place.path, resolve));
      place.restrict();
      expect(statSync(place.path).mode & 0o777).toBe(0o600);
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  });
});
