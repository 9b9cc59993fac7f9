import { ClusterFailure } from "@kakera/kernel";
import { describe, expect, test } from "vitest";
import { createPinoLogger } from "../src/drivers/pino-logger.ts";
import { createPromMeter, type MeterRow } from "../src/drivers/prom-meter.ts";

function keptLines() {
  const lines: string[] = [];
  return { lines, write: (line: string) => void lines.push(line) };
}

describe("the pino logger", () => {
  test("writes one object a line, with errors, their reasons and causes as data", () => {
    const kept = keptLines();
    const logger = createPinoLogger({ level: "info", format: "json" }, kept);
    logger.log("debug", "not.shown");
    const failure = new ClusterFailure("retry", "it is slow", { reason: "DRIVE_SLOW", cause: new Error("EIO") });
    logger.log("warn", "drive.slow", { drive: "d1", failure });
    expect(kept.lines.length).toBe(1);
    const line = JSON.parse(kept.lines[0] ?? "") as Record<string, unknown>;
    expect(line).toMatchObject({
      level: "warn",
      event: "drive.slow",
      drive: "d1",
      failure: { name: "ClusterFailure", message: "it is slow", reason: "DRIVE_SLOW", cause: { message: "EIO" } },
    });
    expect(line["time"]).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  test("writes text for people, and follows a new level", () => {
    const kept = keptLines();
    const logger = createPinoLogger({ level: "info", format: "text" }, kept);
    logger.log("info", "server.ready", { endpoint: "http://x:9000" });
    expect(kept.lines[0]).toMatch(/^\d\d:\d\d:\d\d INFO {2}server\.ready endpoint=http:\/\/x:9000\n$/);
    logger.setLevel("debug");
    logger.log("debug", "now.shown");
    expect(kept.lines.length).toBe(2);
  });
});

describe("the prom-client meter", () => {
  test("shows counters, gauges and histograms with their labels, and what the process uses", async () => {
    const metrics = createPromMeter();
    const { meter } = metrics;
    meter.counter({ name: "kakera_test_total", help: "h", labels: ["kind"] }).add(2, { kind: "a" });
    meter.gauge({ name: "kakera_test_state", help: "h" }).set(7);
    meter.histogram({ name: "kakera_test_seconds", help: "h", buckets: [0.1, 1] }).observe(0.5);
    const shown = await metrics.text();
    expect(shown).toContain('kakera_test_total{kind="a"} 2');
    expect(shown).toContain("kakera_test_state 7");
    expect(shown).toContain('kakera_test_seconds_bucket{le="1"} 1');
    expect(shown).toContain("process_cpu_user_seconds_total");
  });

  test("gives the same instrument to all who ask for it by name", async () => {
    const metrics = createPromMeter();
    const { meter } = metrics;
    const spec = { name: "kakera_test_total", help: "h", labels: ["drive"] } as const;
    meter.counter(spec).add(1, { drive: "one" });
    meter.counter(spec).add(1, { drive: "two" });
    expect((await metrics.text()).match(/^kakera_test_total\{.*\} 1$/gm)?.length).toBe(2);
  });

  test("asks before each scrape, and forgets rows of a table that are gone", async () => {
    const metrics = createPromMeter();
    const { meter } = metrics;
    const gauge = meter.gauge({ name: "kakera_test_asked", help: "h" });
    let asked = 0;
    meter.onCollect(() => gauge.set(++asked));
    let names = ["a", "b"];
    metrics.table({ name: "kakera_test_rows", help: "h", labels: ["bucket"] }, () =>
      names.map((bucket) => ({ labels: { bucket }, value: 1 })),
    );
    expect(await metrics.text()).toContain('kakera_test_rows{bucket="b"} 1');
    names = ["a"];
    const second = await metrics.text();
    expect(second).toContain("kakera_test_asked 2");
    expect(second).not.toContain('bucket="b"');
  });

  test("shows nothing of a gauge's row that was taken out, and of the others what they are", async () => {
    const metrics = createPromMeter();
    const gauge = metrics.meter.gauge({ name: "kakera_test_up", help: "h", labels: ["node"] });
    gauge.set(1, { node: "a" });
    gauge.set(0, { node: "b" });
    gauge.remove({ node: "b" });
    gauge.remove({ node: "never there" });
    expect((await metrics.text()).match(/^kakera_test_up.*$/gm)).toEqual(['kakera_test_up{node="a"} 1']);
  });

  test("shows nothing of what nobody has measured, and makes tables of what was set for this scrape", async () => {
    const metrics = createPromMeter();
    const gauge = metrics.meter.gauge({ name: "kakera_test_later", help: "h" });
    const rows: MeterRow[] = [];
    metrics.table({ name: "kakera_test_table", help: "h" }, () => rows);
    metrics.table({ name: "kakera_test_view", help: "h" }, () => metrics.values("kakera_test_later"));
    const before = await metrics.text();
    expect(before).not.toMatch(/^kakera_test_(later|table|view) /m);
    let value = 0;
    metrics.meter.onCollect(() => gauge.set(++value));
    rows.push({ labels: {}, value: 0 });
    expect(await metrics.text()).toMatch(/^kakera_test_view 1$/m);
    expect(await metrics.text()).toMatch(/^kakera_test_table 0$/m);
  });

  test("says of a histogram which of its figures a row is", async () => {
    const metrics = createPromMeter();
    metrics.meter.histogram({ name: "kakera_test_seconds", help: "h", buckets: [1] }).observe(0.5);
    const rows = await metrics.values("kakera_test_seconds");
    expect(rows.map(({ part, value }) => [part, value])).toEqual([
      ["bucket", 1],
      ["bucket", 1],
      ["sum", 0.5],
      ["count", 1],
    ]);
  });
});
