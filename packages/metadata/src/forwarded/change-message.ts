import { idBytes, idFromBytes, type SessionId } from "@kakera/kernel";
import { processes, type ForwardedRangeInput, type LogCall } from "@kakera/protocol";
import type { Change, KeyRange } from "../ports/commit-log.ts";

/** A change as another process is to commit it, and under which session alone. */
export interface ForwardedChange {
  readonly session: SessionId;
  readonly change: Change;
}

const purposes: readonly Change["purpose"][] = ["write", "free", "garbage"];

/** `readAt` stays behind: it speaks of the sender's look at the view. */
export function encodeLogCall(number: number, forwarded: ForwardedChange | null): Uint8Array {
  if (forwarded === null) return processes.LogCall.encode({ number }).finish();
  const { session, change } = forwarded;
  return processes.LogCall.encode({
    number,
    change: {
      session: idBytes(session),
      id: idBytes(change.id),
      purpose: change.purpose,
      compares: change.compares.map(({ key, revision }) => ({ key, revision })),
      emptyRanges: rangesOf(change.emptyRanges),
      puts: change.puts.map(({ key, value }) => ({ key, value })),
      deletes: [...change.deletes],
      deleteRanges: rangesOf(change.deleteRanges),
    },
  }).finish();
}

/** Safe to keep: the message's own bytes are not. null: a barrier. */
export function decodeLogCall(message: Buffer): {
  readonly number: number;
  readonly forwarded: ForwardedChange | null;
} {
  // Decoded bytes are views of what they were decoded from.
  const { number, change }: LogCall = processes.LogCall.decode(Buffer.from(message));
  if (change === null || change === undefined) return { number, forwarded: null };
  return {
    number,
    forwarded: {
      session: idFromBytes("session", change.session ?? new Uint8Array()),
      change: {
        id: idFromBytes("change", change.id ?? new Uint8Array()),
        purpose: purposes.find((known) => known === change.purpose) ?? "write",
        compares: (change.compares ?? []).map((sent) => ({ key: bytesOf(sent.key), revision: sent.revision ?? 0 })),
        emptyRanges: keyRangesOf(change.emptyRanges),
        puts: (change.puts ?? []).map((sent) => ({ key: bytesOf(sent.key), value: bytesOf(sent.value) })),
        deletes: (change.deletes ?? []).map(bytesOf),
        deleteRanges: keyRangesOf(change.deleteRanges),
      },
    },
  };
}

function rangesOf(ranges: readonly KeyRange[] = []): ForwardedRangeInput[] {
  return ranges.map(({ from, to }) => ({ from, to }));
}

function keyRangesOf(sent: readonly ForwardedRangeInput[] | null | undefined): KeyRange[] {
  return (sent ?? []).map(({ from, to }) => ({ from: bytesOf(from), to: bytesOf(to) }));
}

/** Keys are used as Buffers. */
function bytesOf(sent: Uint8Array | null | undefined): Buffer {
  if (sent === null || sent === undefined) return Buffer.alloc(0);
  return Buffer.from(sent.buffer, sent.byteOffset, sent.byteLength);
}
