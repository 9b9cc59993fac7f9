/**
 * Reads single fields of an encoded record without decoding it: what the view needs of every record it takes in (sizes)
 * lies in the first bytes, and a whole decode would cost more than the B-tree.
 */

/** The last value of the varint field `fieldNumber`; 0 when absent. Throws RangeError on bytes that are no message. */
export function varintField(message: Uint8Array, fieldNumber: number): number {
  let found = 0;
  for (const reader = { message, at: 0 }; reader.at < message.byteLength;) {
    const tag = readVarint(reader);
    if (tag >>> 3 === fieldNumber && (tag & 7) === 0) found = readVarint(reader);
    else skip(reader, tag & 7);
  }
  return found;
}

/** The last value of the length-delimited field `fieldNumber`, as a view; null when absent. */
export function bytesField(message: Uint8Array, fieldNumber: number): Uint8Array | null {
  let found: Uint8Array | null = null;
  for (const reader = { message, at: 0 }; reader.at < message.byteLength;) {
    const tag = readVarint(reader);
    if (tag >>> 3 === fieldNumber && (tag & 7) === 2) {
      const lengthBytes = readVarint(reader);
      found = message.subarray(reader.at, reader.at + lengthBytes);
      reader.at += lengthBytes;
    } else skip(reader, tag & 7);
  }
  return found;
}

/** Whether any of the fields is there. */
export function hasAnyField(message: Uint8Array, fieldNumbers: ReadonlySet<number>): boolean {
  for (const reader = { message, at: 0 }; reader.at < message.byteLength;) {
    const tag = readVarint(reader);
    if (fieldNumbers.has(tag >>> 3)) return true;
    skip(reader, tag & 7);
  }
  return false;
}

interface Reader {
  readonly message: Uint8Array;
  at: number;
}

function readVarint(reader: Reader): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = reader.message[reader.at++];
    if (byte === undefined) throw new RangeError("a protobuf varint runs over the end");
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
}

function skip(reader: Reader, wireType: number): void {
  if (wireType === 0) readVarint(reader);
  else if (wireType === 1) reader.at += 8;
  else if (wireType === 5) reader.at += 4;
  else if (wireType === 2) {
    const lengthBytes = readVarint(reader);
    reader.at += lengthBytes;
  } else throw new RangeError(`protobuf wire type ${wireType}`);
}
