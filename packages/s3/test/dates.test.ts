import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatAmzDate, formatHttpDate, formatIso, parseAmzDate, parseHttpDate } from "../src/index.ts";

const nowMs = Date.UTC(2026, 5, 1);
const instants = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31, 23, 59, 59, 999) });

describe("line 32: dates", () => {
  it("are what JavaScript's own Date says, at any instant", () => {
    fc.assert(
      fc.property(instants, (ms) => {
        const iso = new Date(ms).toISOString();
        expect(formatIso(ms)).toBe(iso);
        expect(formatHttpDate(ms)).toBe(new Date(ms).toUTCString());
        expect(formatAmzDate(ms)).toBe(iso.replace(/\.\d+/, "").replace(/[-:]/g, ""));
      }),
      { numRuns: 2000 },
    );
  });

  it("are right on every day of more than four centuries, ends of centuries and leap days among them", () => {
    const dayMs = 86_400_000;
    const wrong: number[] = [];
    for (let ms = 0; ms < Date.UTC(2410, 0, 1); ms += dayMs) {
      if (formatIso(ms) !== new Date(ms).toISOString() || parseAmzDate(formatAmzDate(ms)) !== ms) wrong.push(ms);
    }
    expect(wrong).toEqual([]);
  });

  it("are read again as the same second", () => {
    fc.assert(
      fc.property(instants, (ms) => {
        const second = Math.floor(ms / 1000) * 1000;
        expect(parseAmzDate(formatAmzDate(ms))).toBe(second);
        expect(parseHttpDate(formatHttpDate(ms), nowMs)).toBe(second);
      }),
      { numRuns: 2000 },
    );
  });

  it("are read in all three forms of RFC 7231", () => {
    const expected = Date.UTC(1994, 10, 6, 8, 49, 37);
    for (const text of ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])
      expect(parseHttpDate(text, nowMs)).toBe(expected);
    expect(parseHttpDate("Wednesday, 01-Jan-70 00:00:00 GMT", nowMs)).toBe(Date.UTC(2070, 0, 1));
    expect(parseHttpDate("Thursday, 01-Jan-77 00:00:00 GMT", nowMs)).toBe(Date.UTC(1977, 0, 1));
  });

  it("that do not exist are not read", () => {
    for (const text of [
      "",
      "now",
      "Sun, 31 Feb 2026 00:00:00 GMT",
      "Sun, 29 Feb 2025 00:00:00 GMT",
      "Sun, 06 Foo 2026 00:00:00 GMT",
      "Sun, 06 Nov 2026 24:00:00 GMT",
      "Xyz, 06 Nov 2026 00:00:00 GMT",
      "Sun, 06 Nov 2026 00:00:00 +0100",
    ]) {
      expect(parseHttpDate(text, nowMs), text).toBeNull();
    }
    expect(parseHttpDate("Thu, 29 Feb 2024 00:00:00 GMT", nowMs)).toBe(Date.UTC(2024, 1, 29));
    for (const text of [
      "",
      "20260102",
      "20260102T030405",
      "20260102 030405Z",
      "20261301T000000Z",
      "20260100T000000Z",
      "2026010aT000000Z",
      "20260102T030460ZZ",
    ]) {
      expect(parseAmzDate(text), text).toBeNull();
    }
  });
});
