import { describe, expect, test } from "vitest";
import { createManualClock, parseId, type DriveId, type ManualClock } from "@kakera/kernel";
import { DrivePace } from "../../src/read-path/drive-pace.ts";
import { ReadLatency } from "../../src/read-path/read-latency.ts";
import { defaultReadSettings } from "../../src/read-path/read-settings.ts";

const sizeBytes = 64 * 1024;
const drive = parseId("drive", "0".repeat(31) + "1") as DriveId;
const other = parseId("drive", "0".repeat(31) + "2") as DriveId;

function begin(): { readonly clock: ManualClock; readonly latency: ReadLatency; readonly pace: DrivePace } {
  const clock = createManualClock();
  const latency = new ReadLatency();
  return { clock, latency, pace: new DrivePace({ clock, latency, settings: defaultReadSettings }) };
}

describe("DrivePace", () => {
  test("takes a drive for slow by reads that are still under way, and no other for it", () => {
    const { clock, pace } = begin();
    for (let i = 0; i < 3; i++) pace.begin(drive, sizeBytes);
    pace.begin(other, sizeBytes);
    clock.advance(249);
    expect(pace.isSlow(drive)).toBe(false);
    clock.advance(1);
    expect([pace.isSlow(drive), pace.isSlow(other)]).toEqual([true, false]);
  });

  test("has a slow drive asked from time to time, and believes the first answer in time", () => {
    const { clock, pace } = begin();
    const reads = Array.from({ length: 3 }, () => pace.begin(drive, sizeBytes));
    expect(pace.takeProbe(drive)).toBe(false);
    clock.advance(2_000);
    for (const read of reads) pace.end(read);
    expect([pace.takeProbe(drive), pace.takeProbe(drive)]).toEqual([true, false]);
    clock.advance(defaultReadSettings.slowDriveProbeMs);
    expect(pace.takeProbe(drive)).toBe(true);
    const probe = pace.begin(drive, sizeBytes);
    clock.advance(3);
    pace.end(probe);
    expect(pace.isSlow(drive)).toBe(false);
  });

  test("learns nothing of how long reads take from a drive that it takes for slow", () => {
    const { clock, latency, pace } = begin();
    for (let i = 0; i < 100; i++) {
      const read = pace.begin(drive, sizeBytes);
      clock.advance(2_000);
      pace.end(read);
    }
    for (let i = 0; i < 100; i++) {
      const read = pace.begin(other, sizeBytes);
      clock.advance(2);
      pace.end(read);
    }
    expect(latency.p95Ms(sizeBytes)).toBe(2);
  });
});
