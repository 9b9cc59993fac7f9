import { stampOf } from "../drivers/calendar.ts";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";

const dayMs = 86_400_000;

/**
 * What a session signs with. The secret itself is forgotten as soon as they are made: they sign S3 requests of two days, and nothing of
 * later ones or of another service.
 */
export interface SessionKeys {
  readonly accessKey: string;
  readonly region: string;
  /** Hexadecimal, by day (`20261129`). */
  readonly byDay: Readonly<Record<string, string>>;
}

/** Keys of today and tomorrow (UTC). */
export function deriveKeys(
  { accessKey, secretKey }: { readonly accessKey: string; readonly secretKey: string },
  region: string,
  nowMs: number,
): SessionKeys {
  const days = [nowMs, nowMs + dayMs].map((ms) => stampOf(ms).slice(0, 8));
  const byDay = Object.fromEntries(days.map((day) => [day, bytesToHex(deriveKey(secretKey, region, day))]));
  return { accessKey, region, byDay };
}

/** null: the session is older than its keys, and one signs in again. */
export function keyOfDay(keys: SessionKeys, day: string): Uint8Array | null {
  const key = keys.byDay[day];
  return key === undefined ? null : hexToBytes(key);
}

function deriveKey(secretKey: string, region: string, day: string): Uint8Array {
  const steps = [day, region, "s3", "aws4_request"];
  return steps.reduce<Uint8Array>((key, step) => hmac(sha256, key, utf8ToBytes(step)), utf8ToBytes(`AWS4${secretKey}`));
}
