import type { Random } from "@kakera/kernel";

/** 16 upper-case hex digits, as S3's own look: the thread from a client's error to our log lines. */
export function newRequestId(random: Random): string {
  const bytes = random.bytes(8);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex").toUpperCase();
}

/** A name for this process that says nothing about the machine it runs on. */
export function newHostId(random: Random): string {
  const bytes = random.bytes(48);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
