import type { ByteSink } from "./byte-sink.ts";
import { decodeEnvelope, envelopeBytes, type Envelope } from "./envelope.ts";

export interface FramePlaces {
  /** Exactly as long as the envelope says. */
  readonly header: Buffer;
  readonly payload: Uint8Array;
}

export interface ReceivedFrame extends FramePlaces {
  readonly bytes: Buffer;
  readonly envelope: Envelope;
}

/** Bytes that are no frame, or not one that was to be expected. */
export class FrameFailure extends Error {
  override readonly name = "FrameFailure";
}

/** Puts a frame together from the pieces in which it comes; each byte is copied once, to where `place` says, or read there at once. */
export class FrameReceiver implements ByteSink {
  readonly #bytes = Buffer.allocUnsafe(envelopeBytes);
  readonly #place: (envelope: Envelope) => FramePlaces;
  #envelope: Envelope | null = null;
  #places: FramePlaces | null = null;
  #receivedBytes = 0;
  #isCancelled = false;

  /** `place` throws FrameFailure when it does not want it. */
  constructor(place: (envelope: Envelope) => FramePlaces) {
    this.#place = place;
  }

  /** Nothing is written to the places from now on. */
  cancel(): void {
    this.#isCancelled = true;
  }

  /** Throws FrameFailure. */
  push(chunk: Uint8Array): void {
    let left = chunk;
    while (left.byteLength > 0 && !this.#isCancelled) {
      const target = this.#nextTarget();
      if (target === null) throw new FrameFailure("more bytes than the frame has");
      const piece = left.byteLength > target.byteLength ? left.subarray(0, target.byteLength) : left;
      target.set(piece);
      this.#receivedBytes += piece.byteLength;
      left = left.subarray(piece.byteLength);
      if (this.#receivedBytes === envelopeBytes && this.#envelope === null) this.#open();
    }
  }

  room(): Uint8Array | null {
    return this.#isCancelled || this.#places === null ? null : this.#nextTarget();
  }

  placed(sizeBytes: number): void {
    this.#receivedBytes += sizeBytes;
  }

  /** Throws FrameFailure when bytes are missing. */
  finish(): ReceivedFrame {
    if (this.#envelope === null || this.#places === null || this.#nextTarget() !== null)
      throw new FrameFailure("the frame is cut short");
    return { bytes: this.#bytes, envelope: this.#envelope, ...this.#places };
  }

  #open(): void {
    const envelope = decodeEnvelope(this.#bytes);
    if (envelope === null) throw new FrameFailure("no frame of a version that is known here");
    this.#places = this.#place(envelope);
    this.#envelope = envelope;
  }

  /** Where the next byte goes: what is left of the part that it belongs to. */
  #nextTarget(): Uint8Array | null {
    if (this.#places === null) return this.#bytes.subarray(this.#receivedBytes);
    let at = this.#receivedBytes - envelopeBytes;
    for (const part of [this.#places.header, this.#places.payload]) {
      if (at < part.byteLength) return part.subarray(at);
      at -= part.byteLength;
    }
    return null;
  }
}
