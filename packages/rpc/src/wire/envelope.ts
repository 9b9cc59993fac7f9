/**
 * The fixed part that every frame begins with, little-endian:
 *
 *     0  magic "KKRC"           16  salt of the sending process (32)
 *     4  version                48  nonce: counts up with each frame of this salt, from 1 (8)
 *     5  kind                   56  the sender's wall clock, ms (8)
 *     6  zero (2)               64  addressee (32): of a call, the salt of the process that it is for; of an answer, the
 *     8  header bytes (4)           mac of the call that it answers, then zeros
 *    12  payload bytes (4)      96  mac (16) of the path, all of the above, header and payload (frame-mac.ts)
 *
 * The header, a message of shard-calls.proto, and the raw payload follow.
 */
export const envelopeBytes = 112;
export const macOffsetBytes = 96;
export const macBytes = 16;
export const saltBytes = 32;
export const nonceOffsetBytes = 48;

/**
 * - `call`
 * - `done`, `failed`: answers; the header of the second is a Failure
 * - `not-me`: an answer: the call was for another process (or for none), and nothing was done. The salt says who answers.
 */
export type FrameKind = "call" | "done" | "failed" | "not-me";

export interface Envelope {
  readonly kind: FrameKind;
  readonly headerBytes: number;
  readonly payloadBytes: number;
  readonly salt: Buffer;
  readonly nonce: number;
  readonly wallMs: number;
  readonly addressee: Buffer;
}

const magic = 0x43524b4b;
const version = 1;
const kinds: readonly FrameKind[] = ["call", "done", "failed", "not-me"];
const uint32Values = 2 ** 32;

/** All but the mac. `into` has `envelopeBytes`. */
export function encodeEnvelope(envelope: Envelope, into: Buffer): void {
  into.writeUInt32LE(magic, 0);
  into[4] = version;
  into[5] = kinds.indexOf(envelope.kind);
  into.fill(0, 6, 8);
  into.writeUInt32LE(envelope.headerBytes, 8);
  into.writeUInt32LE(envelope.payloadBytes, 12);
  into.set(envelope.salt, 16);
  writeUint64(into, envelope.nonce, nonceOffsetBytes);
  writeUint64(into, envelope.wallMs, 56);
  into.fill(0, 64, macOffsetBytes);
  into.set(envelope.addressee, 64);
}

/** null: not one, or of a version that is not known. The salt and the addressee are views of `from`. */
export function decodeEnvelope(from: Buffer): Envelope | null {
  const kind = kinds[from[5] as number];
  if (from.readUInt32LE(0) !== magic || from[4] !== version || kind === undefined) return null;
  return {
    kind,
    headerBytes: from.readUInt32LE(8),
    payloadBytes: from.readUInt32LE(12),
    salt: from.subarray(16, 48),
    nonce: readUint64(from, nonceOffsetBytes),
    wallMs: readUint64(from, 56),
    addressee: from.subarray(64, macOffsetBytes),
  };
}

export function macOf(envelope: Buffer): Buffer {
  return envelope.subarray(macOffsetBytes, envelopeBytes);
}

function writeUint64(into: Buffer, value: number, at: number): void {
  into.writeUInt32LE(value % uint32Values, at);
  into.writeUInt32LE(Math.floor(value / uint32Values), at + 4);
}

function readUint64(from: Buffer, at: number): number {
  return from.readUInt32LE(at) + from.readUInt32LE(at + 4) * uint32Values;
}
