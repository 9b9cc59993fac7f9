import { assert, idBytes, idFromBytes, type ChangeId, type SessionId } from "@kakera/kernel";

/**
 * The tail key is the last operation of every batch, so in a watch its event ends a batch; its version grows by one with each
 * (correctness.md F1). Its value: one byte of format (1), 16 bytes batch id, 16 bytes session, 2 bytes count of changes, big endian.
 */
export interface TailRecord {
  readonly batch: ChangeId;
  readonly session: SessionId;
  readonly changeCount: number;
}

const format = 1;
const sizeBytes = 35;

export function encodeTail(tail: TailRecord): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  bytes[0] = format;
  bytes.set(idBytes(tail.batch), 1);
  bytes.set(idBytes(tail.session), 17);
  bytes.writeUInt16BE(tail.changeCount, 33);
  return bytes;
}

/** Throws AssertionFailure when it is none of ours: somebody else writes under the prefix. */
export function decodeTail(bytes: Uint8Array): TailRecord {
  assert(bytes.byteLength === sizeBytes && bytes[0] === format, "the tail key holds something that is no tail");
  const buffer = Buffer.from(bytes);
  return {
    batch: idFromBytes("change", buffer.subarray(1, 17)),
    session: idFromBytes("session", buffer.subarray(17, 33)),
    changeCount: buffer.readUInt16BE(33),
  };
}
