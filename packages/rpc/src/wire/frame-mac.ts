import { createCipheriv, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from "node:crypto";
import { idBytes, type ClusterId } from "@kakera/kernel";
import { macBytes, macOf, macOffsetBytes, nonceOffsetBytes } from "./envelope.ts";

/** What a frame is made of, and the path of the call that it is or answers. */
export interface FrameBytes {
  readonly path: string;
  readonly envelope: Buffer;
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
}

const keyBytes = 32;
const ivBytes = 12;

/** The key that all others are derived from: of this secret, in this cluster. */
export function deriveRootKey(secret: string | Uint8Array, clusterId: ClusterId): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync("sha256", secret, idBytes(clusterId), "kakera node calls 1", keyBytes)));
}

/** The key of one process' calls, or of its answers. No two processes share a salt, so that no two share a key. */
export function deriveFrameKey(root: KeyObject, salt: Uint8Array, use: "calls" | "answers"): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync("sha256", root, salt, `kakera ${use}`, keyBytes)));
}

/**
 * Writes the mac into the envelope, which must be whole but for it.
 *
 * It is AES-256-GMAC: GCM with nothing to encrypt. It was measured at 12 GB/s against 1.5 of HMAC-SHA-256 (1 MiB: 86 us
 * against 660; 4 KiB: 4 us against 6), and each byte of a shard is authenticated twice. What it asks in return is that no key
 * ever sees a nonce twice: keys are of one process and one use, and its counter makes the nonces. An answer to a repeated
 * call has a nonce of its own as well.
 */
export function sealFrame(key: KeyObject, frame: FrameBytes): void {
  frame.envelope.set(computeMac(key, frame), macOffsetBytes);
}

export function isSealedBy(key: KeyObject, frame: FrameBytes): boolean {
  return timingSafeEqual(computeMac(key, frame), macOf(frame.envelope));
}

/** The lengths of header and payload are in the envelope, and that of the path is what is left: no two frames look alike. */
function computeMac(key: KeyObject, { path, envelope, header, payload }: FrameBytes): Buffer {
  const iv = Buffer.alloc(ivBytes);
  iv.set(envelope.subarray(nonceOffsetBytes, nonceOffsetBytes + 8), 4);
  const cipher = createCipheriv("aes-256-gcm", key, iv, { authTagLength: macBytes });
  cipher.setAAD(Buffer.concat([envelope.subarray(0, macOffsetBytes), Buffer.from(`POST ${path}\n`), header]));
  if (payload.byteLength > 0) cipher.setAAD(payload);
  cipher.final();
  return cipher.getAuthTag();
}
