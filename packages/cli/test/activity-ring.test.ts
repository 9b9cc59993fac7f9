import { describe, expect, test } from "vitest";
import { createManualClock } from "@kakera/kernel";
import { ActivityRing, type ActivityTotals } from "../src/admin/activity-ring.ts";
import { keepActivity } from "../src/compose/keep-activity.ts";
import type { MeterRow } from "../src/drivers/prom-meter.ts";

const nothing: ActivityTotals = {
  requestCount: 0,
  failureCount: 0,
  refusalCount: 0,
  receivedBytes: 0,
  sentBytes: 0,
  durations: new Map(),
};

/** Lets what waits for promises go on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the last hour's work", () => {
  test("is told as what was added between two moments", () => {
    const ring = new ActivityRing();
    ring.note(1_000, { ...nothing, requestCount: 100, sentBytes: 5 });
    ring.note(6_000, {
      ...nothing,
      requestCount: 130,
      sentBytes: 5,
      durations: new Map([
        [0.1, 20],
        [1, 30],
        [Infinity, 30],
      ]),
    });
    const { samples } = ring.report(0);
    expect(samples).toEqual([
      {
        atMs: 6_000,
        lengthMs: 5_000,
        requestCount: 30,
        failureCount: 0,
        refusalCount: 0,
        receivedBytes: 0,
        sentBytes: 0,
        p50Seconds: expect.closeTo(0.075),
        p99Seconds: expect.closeTo(0.973),
      },
    ]);
    expect(ring.report(6_000).samples).toEqual([]);
  });

  test("has no percentile when nothing was asked, or when it lies beyond every bound", () => {
    const ring = new ActivityRing();
    ring.note(0, nothing);
    ring.note(1, nothing);
    ring.note(2, {
      ...nothing,
      durations: new Map([
        [1, 0],
        [Infinity, 5],
      ]),
    });
    expect(ring.report(0).samples.map(({ p99Seconds }) => p99Seconds)).toEqual([null, null]);
  });

  test("never goes below zero when a process died with what it had counted, or when the clock was set back", () => {
    const ring = new ActivityRing();
    ring.note(1_000, { ...nothing, requestCount: 100 });
    ring.note(500, { ...nothing, requestCount: 101 });
    ring.note(1_500, { ...nothing, requestCount: 40 });
    expect(ring.report(0).samples.map(({ requestCount }) => requestCount)).toEqual([0]);
  });

  test("is an hour and no more, however long the server runs", () => {
    const ring = new ActivityRing();
    for (let at = 0; at <= 1_000; at++) ring.note(at * 5_000, nothing);
    expect(ring.report(0).samples).toHaveLength(720);
  });

  test("counts S3 requests of all processes, and blames the one who is to blame", async () => {
    const ring = new ActivityRing();
    const clock = createManualClock();
    const ended = new AbortController();
    let factor = 0;
    const row = (labels: Record<string, string>, value: number): MeterRow => ({ labels, value: value * factor });
    const tables: Record<string, () => MeterRow[]> = {
      kakera_s3_requests_total: () => [
        row({ operation: "GetObject", code: "200" }, 5),
        row({ operation: "GetObject", code: "NoSuchKey" }, 2),
        row({ operation: "PutObject", code: "SlowDown" }, 1),
        row({ operation: "Admin", code: "200" }, 90),
      ],
      kakera_s3_bytes_total: () => [row({ direction: "in" }, 7), row({ direction: "out" }, 11)],
      kakera_s3_request_duration_seconds: () => [
        row({ operation: "GetObject", le: "0.5" }, 8),
        row({ operation: "GetObject", le: "+Inf" }, 8),
        row({ operation: "Health", le: "0.001" }, 8),
      ],
    };
    const measured = () => Promise.resolve((name: string) => Promise.resolve(tables[name]?.() ?? []));
    const kept = keepActivity({ clock, ring, measured }, ended.signal);
    await turn();
    factor = 1;
    clock.advance(5_000);
    await turn();
    ended.abort();
    await kept;
    expect(ring.report(0).samples).toMatchObject([
      {
        requestCount: 8,
        refusalCount: 2,
        failureCount: 1,
        receivedBytes: 7,
        sentBytes: 11,
        p99Seconds: expect.closeTo(0.495),
      },
    ]);
  });
});
