import { idBytes, type SessionId } from "@kakera/kernel";
import { journal } from "@kakera/protocol";
import type { Change, CommitResult } from "../ports/commit-log.ts";

/** A change offered to the log, and whom to tell. */
export interface Offer {
  readonly change: Change;
  /** Its JournalChange, encoded. */
  readonly encoded: Uint8Array;
  readonly offeredMs: number;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (failure: Error) => void;
}

/** What is to be said to an offer once the batch that its result rests on is durable. */
export interface Answer {
  readonly offer: Offer;
  readonly result: CommitResult;
}

/** A batch that changes are put into while the one before is in flight. */
export class FormingBatch {
  readonly accepted: Answer[] = [];
  /** Refused by what this batch holds: told when it is durable. */
  readonly refused: Answer[] = [];
  /** Of the payload so far, frames included. */
  payloadBytes: number;
  readonly #session: Uint8Array;

  constructor(session: SessionId) {
    this.#session = idBytes(session);
    this.payloadBytes = 2 + this.#session.byteLength;
  }

  accept(offer: Offer, revision: number): void {
    this.accepted.push({ offer, result: { outcome: "committed", revision } });
    this.payloadBytes += changeFieldBytes(offer.encoded);
  }

  /** Writes the payload (a ChangeBatch message) at `at`. */
  writePayload(into: Buffer, at: number): void {
    let offset = at;
    for (const { offer } of this.accepted) {
      into[offset++] = changesTag;
      offset = writeVarint(into, offset, offer.encoded.byteLength);
      into.set(offer.encoded, offset);
      offset += offer.encoded.byteLength;
    }
    into[offset++] = sessionTag;
    into[offset++] = this.#session.byteLength;
    into.set(this.#session, offset);
  }
}

// ChangeBatch.changes = 1 and ChangeBatch.session = 2, both length-delimited.
const [changesTag, sessionTag] = [0x0a, 0x12];

export function encodeChange(change: Change): Uint8Array {
  const { puts, deletes, deleteRanges } = change;
  return journal.JournalChange.encode({
    id: idBytes(change.id),
    puts: puts as { key: Uint8Array; value: Uint8Array }[],
    deletes: deletes as Uint8Array[],
    deleteRanges: (deleteRanges ?? []) as { from: Uint8Array; to: Uint8Array }[],
  }).finish();
}

/** Bytes that an encoded change takes in the payload. */
export function changeFieldBytes(encoded: Uint8Array): number {
  return 1 + varintBytes(encoded.byteLength) + encoded.byteLength;
}

function varintBytes(value: number): number {
  return value < 2 ** 7 ? 1 : value < 2 ** 14 ? 2 : value < 2 ** 21 ? 3 : value < 2 ** 28 ? 4 : 5;
}

function writeVarint(into: Buffer, at: number, value: number): number {
  let rest = value;
  let offset = at;
  while (rest >= 0x80) {
    into[offset++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 128);
  }
  into[offset++] = rest;
  return offset;
}
