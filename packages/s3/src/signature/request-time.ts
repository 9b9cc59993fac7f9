import { MINUTE_MS } from "@kakera/kernel";
import type { HeaderIndex } from "../addressing/header-index.ts";
import { formatIso, parseAmzDate, parseHttpDate } from "../dates.ts";
import { S3Error } from "../errors/s3-error.ts";

/** AWS's bound, for replays and for clocks that are wrong. */
export const clockSkewMsMax = 15 * MINUTE_MS;

/** The moment of signing, from x-amz-date or else Date. Throws AccessDenied when neither is there and readable. */
export function readRequestTime(headers: HeaderIndex, nowMs: number): number {
  const amzDate = headers.first("x-amz-date");
  const date = amzDate ?? headers.first("date");
  const ms = date === null ? null : (parseAmzDate(date) ?? (amzDate === null ? parseHttpDate(date, nowMs) : null));
  if (ms === null)
    throw new S3Error("AccessDenied", {}, "AWS authentication requires a valid Date or x-amz-date header");
  return ms;
}

/** Throws RequestTimeTooSkewed. */
export function checkClockSkew(requestTimeMs: number, nowMs: number): void {
  if (Math.abs(nowMs - requestTimeMs) <= clockSkewMsMax) return;
  throw new S3Error("RequestTimeTooSkewed", {
    RequestTime: formatIso(Math.max(0, requestTimeMs)),
    ServerTime: formatIso(nowMs),
    MaxAllowedSkewMilliseconds: clockSkewMsMax,
  });
}
