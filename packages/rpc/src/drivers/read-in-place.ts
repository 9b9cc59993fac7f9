import { Socket, type OnReadOpts } from "node:net";
import { KIB } from "@kakera/kernel";

/** What is done with the bytes that come over a socket. */
export interface Reader {
  /** Where the next bytes are to lie, however many of them come; null: it is not known, or not the same for all of them. */
  room(): Uint8Array | null;
  /** So many lie there now. */
  placed(sizeBytes: number): void;
  /** They lie elsewhere. The chunk is a view that lives until this returns. */
  push(chunk: Buffer): void;
}

/** Below, a read of its own costs more than the copy that it saves. */
const directBytesMin = 16 * KIB;
/** Of all connections: what a read brings is taken before the next read of any of them. */
const scratch = Buffer.allocUnsafeSlow(64 * KIB);

/**
 * For a socket whose bytes are read to where they are to lie, without a buffer and a copy between. node asks for the next place as soon as a read was
 * taken: a place that is withdrawn later, by something other than a read, is still written to unless the socket is destroyed or paused first.
 */
export function readInPlace(reader: Reader): OnReadOpts {
  let place: Uint8Array = scratch;
  return {
    buffer: () => {
      const room = reader.room();
      place = room === null || room.byteLength < directBytesMin ? scratch : room;
      return place;
    },
    callback: (sizeBytes) => {
      if (place === scratch) reader.push(scratch.subarray(0, sizeBytes));
      else reader.placed(sizeBytes);
      return true;
    },
  };
}

/** A socket of the system as node:net wraps it, which is no public part of node. */
interface Handle {
  readonly useUserBuffer?: unknown;
}

/** Has the reader read a socket, which is the connection's from then on: it may be another one than is at hand. */
export type SocketSource = (reader: Reader) => Socket;

/** Of a socket of any kind: all bytes are pushed. */
export function readCopying(socket: Socket): SocketSource {
  return (reader) => socket.on("data", (chunk: Buffer) => reader.push(chunk)).resume();
}

/**
 * In place, of a socket that was accepted and not read from yet. node has `onread` for those that it opens only; another socket over the same handle
 * has it too. Where this node's sockets cannot do that, all bytes are pushed.
 */
export function readAcceptedInPlace(accepted: Socket): SocketSource {
  return (reader) => {
    const owner = accepted as unknown as { _handle: Handle | null };
    const handle = owner._handle;
    if (typeof handle?.useUserBuffer !== "function") return readCopying(accepted)(reader);
    owner._handle = null;
    accepted.destroy();
    return new Socket({ handle, onread: readInPlace(reader) } as ConstructorParameters<typeof Socket>[0]);
  };
}
