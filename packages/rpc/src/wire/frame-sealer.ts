import type { KeyObject } from "node:crypto";
import type { Clock, Random } from "@kakera/kernel";
import { encodeEnvelope, envelopeBytes, saltBytes, type FrameKind } from "./envelope.ts";
import { deriveFrameKey, sealFrame } from "./frame-mac.ts";

export interface UnsealedFrame {
  readonly path: string;
  readonly kind: FrameKind;
  readonly addressee: Buffer;
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
}

/** Seals what this process sends, each frame with a nonce of its own. */
export class FrameSealer {
  readonly salt: Buffer;
  readonly #key: KeyObject;
  readonly #clock: Clock;
  #nonce = 0;

  constructor(root: KeyObject, use: "calls" | "answers", { clock, random }: { clock: Clock; random: Random }) {
    this.salt = Buffer.from(random.bytes(saltBytes));
    this.#key = deriveFrameKey(root, this.salt, use);
    this.#clock = clock;
  }

  /** The envelope that goes before header and payload. */
  seal({ path, kind, addressee, header, payload }: UnsealedFrame): Buffer {
    const envelope = Buffer.allocUnsafe(envelopeBytes);
    this.#nonce += 1;
    const [headerBytes, payloadBytes] = [header.byteLength, payload.byteLength];
    const [salt, nonce, wallMs] = [this.salt, this.#nonce, this.#clock.nowMs()];
    encodeEnvelope({ kind, headerBytes, payloadBytes, salt, nonce, wallMs, addressee }, envelope);
    sealFrame(this.#key, { path, envelope, header, payload });
    return envelope;
  }
}
