import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "@kakera/kernel";
import { civilFromDay, dayFromCivil, daysInMonth } from "./civil-date.ts";

const twoDigits = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, "0"));
const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const dayNames = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const dayNamesLong = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

interface DayText {
  readonly day: number;
  /** "2026-01-02T" */
  readonly iso: string;
  /** "20260102" */
  readonly compact: string;
  /** "Fri, 02 Jan 2026 " */
  readonly http: string;
}

// A LIST page formats a thousand dates of few days; the text of a day depends on nothing but its number.
let lastDay: DayText = describeDay(0);

/** "2026-01-02T03:04:05.678Z": dates in XML. `ms`: whole milliseconds since the epoch, not negative, before the year 10000. */
export function formatIso(ms: number): string {
  const time = ms % DAY_MS;
  const fraction = time % SECOND_MS;
  return `${dayText(ms).iso}${clockText(time, ":")}.${fraction < 100 ? "0" : ""}${twoDigits[fraction] ?? fraction}Z`;
}

/** "Fri, 02 Jan 2026 03:04:05 GMT": dates in headers (RFC 7231). Milliseconds are cut. */
export function formatHttpDate(ms: number): string {
  return `${dayText(ms).http}${clockText(ms % DAY_MS, ":")} GMT`;
}

/** "20260102T030405Z": dates in signatures. */
export function formatAmzDate(ms: number): string {
  return `${dayText(ms).compact}T${clockText(ms % DAY_MS, "")}Z`;
}

/** Milliseconds since the epoch of "20260102T030405Z", or null when it is none. */
export function parseAmzDate(text: string): number | null {
  if (text.length !== 16 || text[8] !== "T" || text[15] !== "Z") return null;
  return instant({
    year: number(text, 0, 4),
    month: number(text, 4, 6),
    day: number(text, 6, 8),
    hour: number(text, 9, 11),
    minute: number(text, 11, 13),
    second: number(text, 13, 15),
  });
}

const imfFixdate = /^(\w{3}), (\d{2}) (\w{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC|[+-]0000)$/;
const rfc850 = /^(\w{6,9}), (\d{2})-(\w{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const asctime = /^(\w{3}) (\w{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;

/**
 * Milliseconds since the epoch of a date in one of RFC 7231's three forms, or null. `nowMs` decides the century of the
 * two-digit form: more than 50 years ahead means the past.
 */
export function parseHttpDate(text: string, nowMs: number): number | null {
  const imf = imfFixdate.exec(text);
  if (imf !== null && dayNames.includes(imf[1]!)) {
    return fromMatch({ year: Number(imf[4]), monthName: imf[3]!, day: imf[2]!, clock: imf.slice(5, 8) });
  }
  const long = rfc850.exec(text);
  if (long !== null && dayNamesLong.includes(long[1]!)) {
    return fromMatch({
      year: fullYear(Number(long[4]), nowMs),
      monthName: long[3]!,
      day: long[2]!,
      clock: long.slice(5, 8),
    });
  }
  const asc = asctime.exec(text);
  if (asc !== null && dayNames.includes(asc[1]!)) {
    return fromMatch({ year: Number(asc[7]), monthName: asc[2]!, day: asc[3]!, clock: asc.slice(4, 7) });
  }
  return null;
}

function fromMatch(parts: { year: number; monthName: string; day: string; clock: string[] }): number | null {
  const [hour, minute, second] = parts.clock.map(Number);
  const month = monthNames.indexOf(parts.monthName) + 1;
  return instant({ year: parts.year, month, day: Number(parts.day), hour: hour!, minute: minute!, second: second! });
}

function fullYear(twoDigitYear: number, nowMs: number): number {
  const yearNow = civilFromDay(Math.floor(nowMs / DAY_MS)).year;
  const year = Math.floor(yearNow / 100) * 100 + twoDigitYear;
  return year > yearNow + 50 ? year - 100 : year;
}

function number(text: string, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

interface Moment {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

function instant(moment: Moment): number | null {
  const { year, month, day, hour, minute, second } = moment;
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) return null;
  // 60 is a leap second.
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return null;
  return dayFromCivil(year, month, day) * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS;
}

function clockText(timeMs: number, separator: string): string {
  const seconds = Math.floor(timeMs / SECOND_MS);
  const minutes = Math.floor(seconds / 60);
  return (
    twoDigits[Math.floor(minutes / 60)]! + separator + twoDigits[minutes % 60]! + separator + twoDigits[seconds % 60]!
  );
}

function dayText(ms: number): DayText {
  const day = Math.floor(ms / DAY_MS);
  if (lastDay.day !== day) lastDay = describeDay(day);
  return lastDay;
}

function describeDay(day: number): DayText {
  const civil = civilFromDay(day);
  const year = String(civil.year).padStart(4, "0");
  const month = twoDigits[civil.month]!;
  const date = twoDigits[civil.day]!;
  const weekday = dayNames[(((day + 4) % 7) + 7) % 7]!;
  return {
    day,
    iso: `${year}-${month}-${date}T`,
    compact: year + month + date,
    http: `${weekday}, ${date} ${monthNames[civil.month - 1]} ${year} `,
  };
}
