import { connect, type Socket } from "node:net";

interface Reply {
  readonly status: number;
  readonly bodySizeBytes: number;
  /** Kept only when asked for, or when the answer is no success. */
  readonly body: Buffer | null;
  /** Whether every byte was the expected one; true when nothing was expected. */
  readonly isRight: boolean;
}

export interface Expected {
  /** The bytes of a 2xx answer. */
  readonly body?: Buffer;
  readonly keepBody?: boolean;
}

/**
 * One HTTP/1.1 connection that costs the client as little as may be: heads are written as they are, answers are read
 * by Content-Length or chunks, bodies are compared as they arrive and not kept.
 */
export interface Connection {
  request(head: string, body: Buffer | null, expected: Expected): Promise<Reply>;
  close(): void;
}

export function openConnection(host: string, port: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(createConnection(socket));
    });
  });
}

interface Pending {
  readonly expected: Expected;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

function createConnection(socket: Socket): Connection {
  let pending: Pending | null = null;
  let reader = createReplyReader();
  const fail = (error: Error): void => {
    pending?.reject(error);
    pending = null;
  };
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("the connection was closed")));
  socket.on("data", (slice: Buffer) => {
    if (pending === null) return fail(new Error("bytes without a request"));
    const reply = reader.push(slice, pending.expected);
    if (reply === null) return;
    const done = pending;
    pending = null;
    reader = createReplyReader();
    done.resolve(reply);
  });
  return {
    request(head, body, expected) {
      return new Promise((resolve, reject) => {
        pending = { expected, resolve, reject };
        if (body === null) socket.write(head, "latin1");
        else {
          socket.cork();
          socket.write(head, "latin1");
          socket.write(body);
          socket.uncork();
        }
      });
    },
    close: () => socket.destroy(),
  };
}

interface ReplyReader {
  push(slice: Buffer, expected: Expected): Reply | null;
}

function createReplyReader(): ReplyReader {
  let head = "";
  let status = 0;
  let remaining = -1;
  let isChunked = false;
  let chunkText = "";
  let isInTrailer = false;
  let received = 0;
  let isRight = true;
  const kept: Buffer[] = [];

  const isKept = (expected: Expected): boolean => expected.keepBody === true || status >= 300;

  function take(slice: Buffer, expected: Expected): void {
    if (isKept(expected)) kept.push(Buffer.from(slice));
    if (expected.body !== undefined && status < 300) {
      isRight =
        isRight &&
        received + slice.byteLength <= expected.body.byteLength &&
        expected.body.compare(slice, 0, slice.byteLength, received, received + slice.byteLength) === 0;
    }
    received += slice.byteLength;
  }

  function finish(expected: Expected): Reply {
    if (expected.body !== undefined && status < 300 && received !== expected.body.byteLength) isRight = false;
    return { status, bodySizeBytes: received, body: isKept(expected) ? Buffer.concat(kept) : null, isRight };
  }

  function readHead(slice: Buffer): Buffer | null {
    const before = head.length;
    head += slice.toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end === -1) return null;
    status = Number(head.slice(9, 12));
    if (status === 100) {
      const rest = slice.subarray(end + 4 - before);
      head = "";
      return rest.byteLength === 0 ? null : readHead(rest);
    }
    const fields = head.slice(0, end).toLowerCase();
    isChunked = fields.includes("\r\ntransfer-encoding: chunked");
    remaining = status === 204 || status === 304 ? 0 : Number(/\r\ncontent-length: *(\d+)/.exec(fields)?.[1] ?? 0);
    return slice.subarray(end + 4 - before);
  }

  function readChunks(slice: Buffer, expected: Expected): Reply | null {
    let at = 0;
    while (at < slice.byteLength) {
      if (remaining > 0) {
        const part = slice.subarray(at, at + remaining);
        take(part, expected);
        remaining -= part.byteLength;
        at += part.byteLength;
        continue;
      }
      chunkText += String.fromCharCode(slice[at++] as number);
      if (!chunkText.endsWith("\r\n")) continue;
      const line = chunkText.trim();
      chunkText = "";
      if (isInTrailer) {
        if (line === "") return finish(expected);
      } else if (line !== "") {
        remaining = Number.parseInt(line, 16);
        isInTrailer = remaining === 0;
      }
    }
    return null;
  }

  return {
    push(slice, expected) {
      let rest: Buffer | null = slice;
      if (remaining === -1) {
        rest = readHead(slice);
        if (rest === null) return null;
        if (isChunked) remaining = 0;
      }
      if (isChunked) return readChunks(rest, expected);
      const part = rest.subarray(0, remaining);
      if (part.byteLength > 0) take(part, expected);
      remaining -= part.byteLength;
      return remaining === 0 ? finish(expected) : null;
    },
  };
}
