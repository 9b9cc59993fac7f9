import { describe, expect, test } from "vitest";
import type { DriveReport } from "../src/admin/status-report.ts";
import { histogramQuantile } from "../src/top/histogram-quantile.ts";
import { measureTop, readScrape } from "../src/top/measure-top.ts";

const before = `# HELP kakera_s3_requests_total S3 requests
kakera_s3_requests_total{operation="GetObject",code="200"} 100
kakera_s3_requests_total{operation="PutObject",code="200"} 900
kakera_s3_bytes_total{direction="out"} 1000
`;
const after = `kakera_s3_requests_total{operation="GetObject",code="200"} 110
kakera_s3_requests_total{operation="GetObject",code="NoSuchKey"} 4
kakera_s3_requests_total{operation="GetObject",code="SlowDown"} 2
kakera_s3_requests_total{operation="PutObject",code="200"} 6
kakera_s3_requests_total{operation="Admin",code="200"} 50
kakera_s3_request_duration_seconds_bucket{le="0.01",operation="GetObject"} 8
kakera_s3_request_duration_seconds_bucket{le="0.02",operation="GetObject"} 16
kakera_s3_request_duration_seconds_bucket{le="+Inf",operation="GetObject"} 16
kakera_s3_bytes_total{direction="out"} 5000
kakera_drive_fdatasync_duration_seconds_bucket{le="0.001",drive="d1"} 10
kakera_drive_fdatasync_duration_seconds_bucket{le="+Inf",drive="d1"} 20
`;
const drive = { driveId: "d1", place: "/d1", condition: "online", node: null } as DriveReport;
const report = measureTop([readScrape(before, 1000), readScrape(after, 3000)], {
  endpoint: "http://n",
  drives: [drive, { ...drive, driveId: "d2", node: "other" }],
});

describe("measureTop()", () => {
  test("gives rates between two scrapes, the busiest operation first, without its own requests", () => {
    expect(report.operations.map(({ operation, requestsPerSecond }) => [operation, requestsPerSecond])).toEqual([
      ["GetObject", 8],
      ["PutObject", 3],
    ]);
    expect(report.total.requestsPerSecond).toBe(11);
    expect(report.sentBytesPerSecond).toBe(2000);
  });

  test("counts from zero what began anew with the server", () => {
    expect(report.operations[1]).toMatchObject({ operation: "PutObject", requestsPerSecond: 3 });
  });

  test("tells what clients did wrong from what the server did", () => {
    expect(report.operations[0]).toMatchObject({ refusedPerSecond: 2, failedPerSecond: 1, p50Ms: 10 });
  });

  test("leaves out what is not measured, and drives of others", () => {
    expect(report).toMatchObject({ inFlight: null, eventLoopLagMs: null });
    expect(report.operations[1]).toMatchObject({ p50Ms: null, p99Ms: null });
    expect(report.drives).toHaveLength(1);
    expect(report.drives[0]).toMatchObject({ syncsPerSecond: 10, syncP50Ms: 1, syncP99Ms: null });
  });
});

test("histogramQuantile() lies between the bounds of the bucket, and says nothing above the last", () => {
  const counts = [
    [1, 10],
    [2, 10],
    [4, 20],
    [Infinity, 20],
  ] as const;
  expect(histogramQuantile(counts, 0.25)).toBe(0.5);
  expect(histogramQuantile(counts, 0.75)).toBe(3);
  expect(
    histogramQuantile(
      [
        [1, 0],
        [Infinity, 5],
      ],
      0.5,
    ),
  ).toBeNull();
  expect(histogramQuantile([], 0.5)).toBeNull();
});
