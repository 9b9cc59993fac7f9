import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

export interface Reply {
  readonly status: number;
  /** The head's lines as they came, without the status line: what a caller needs of them, it looks for. */
  readonly fields: string;
  readonly bodySizeBytes: number;
  /** Kept only when asked for, or when the answer is no success. */
  readonly body: Buffer | null;
  /** Whether every byte was the expected one; true when nothing was expected. */
  readonly isRight: boolean;
}

export interface Expected {
  /** The bytes of a 2xx answer. */
  readonly body?: Buffer;
  /** In place of `body`, for what is not in one piece. */
  readonly content?: ExpectedContent;
  readonly keepBody?: boolean;
  /** An answer to HEAD: its Content-Length is of a body that does not come. */
  readonly hasNoBody?: boolean;
}

export interface ExpectedContent {
  readonly sizeBytes: number;
  /** Whether these bytes are those that begin at `at`. */
  matches(slice: Buffer, at: number): boolean;
}

/** `after 100`: the head has `Expect: 100-continue`, and the body stays here until it is asked for. */
export type SendBody = "at once" | "after 100";

/**
 * One HTTP/1.1 connection that costs the client as little as may be: heads are written as they are, answers are read
 * by Content-Length or chunks, bodies are compared as they arrive and not kept.
 */
export interface Connection {
  request(
    head: string,
    body: Buffer | readonly Buffer[] | null,
    expected: Expected,
    sendBody?: SendBody,
  ): Promise<Reply>;
  /** False as soon as either side has closed it. */
  readonly isOpen: boolean;
  close(): void;
}

/** Whom a TLS connection believes. */
export interface TlsTrust {
  /** PEM of an authority beside the known ones; null: those alone. */
  readonly authority: string | null;
  readonly isCertificateChecked: boolean;
}

/** `tls`: null for plain HTTP. Rejects with what the system says. */
export function openConnection(host: string, port: number, tls: TlsTrust | null = null): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = tls === null ? connect({ host, port, noDelay: true }) : connectTls(withTrust(host, port, tls));
    socket.setNoDelay(true);
    socket.once("error", reject);
    socket.once(tls === null ? "connect" : "secureConnect", () => {
      socket.off("error", reject);
      resolve(createConnection(socket));
    });
  });
}

function withTrust(host: string, port: number, { authority, isCertificateChecked }: TlsTrust) {
  return {
    host,
    port,
    rejectUnauthorized: isCertificateChecked,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(authority === null ? {} : { ca: authority }),
  };
}

interface Pending {
  readonly expected: Expected;
  /** What goes out when the server asks for it. */
  heldBody: readonly Buffer[] | null;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

function createConnection(socket: Socket): Connection {
  let pending: Pending | null = null;
  let isOpen = true;
  const writeBody = (pieces: readonly Buffer[]): void => {
    socket.cork();
    for (const piece of pieces) socket.write(piece);
    socket.uncork();
  };
  const sendHeldBody = (): void => {
    const held = pending?.heldBody ?? null;
    if (pending === null || held === null) return;
    pending.heldBody = null;
    writeBody(held);
  };
  let reader = createReplyReader(sendHeldBody);
  const fail = (error: Error): void => {
    pending?.reject(error);
    pending = null;
  };
  socket.on("error", fail);
  socket.on("close", () => {
    isOpen = false;
    fail(new Error("the connection was closed"));
  });
  socket.on("data", (slice: Buffer) => {
    if (pending === null) return fail(new Error("bytes without a request"));
    const reply = reader.push(slice, pending.expected);
    if (reply === null) return;
    const done = pending;
    pending = null;
    reader = createReplyReader(sendHeldBody);
    // A refusal in place of a 100 ends the connection: the body was announced and does not come.
    if (done.heldBody !== null || /^connection: *close/im.test(reply.fields)) {
      isOpen = false;
      socket.destroy();
    }
    done.resolve(reply);
  });
  return {
    request(head, body, expected, sendBody = "at once") {
      return new Promise((resolve, reject) => {
        const pieces = body === null ? [] : Buffer.isBuffer(body) ? [body] : body;
        const isHeld = sendBody === "after 100" && pieces.length > 0;
        pending = { expected, heldBody: isHeld ? pieces : null, resolve, reject };
        socket.cork();
        socket.write(head, "latin1");
        if (!isHeld) writeBody(pieces);
        socket.uncork();
      });
    },
    get isOpen() {
      return isOpen;
    },
    close() {
      isOpen = false;
      socket.destroy();
    },
  };
}

function isExpected(slice: Buffer, at: number, { body, content }: Expected): boolean {
  if (content !== undefined) return content.matches(slice, at);
  if (body === undefined) return true;
  const end = at + slice.byteLength;
  return end <= body.byteLength && body.compare(slice, 0, slice.byteLength, at, end) === 0;
}

interface ReplyReader {
  push(slice: Buffer, expected: Expected): Reply | null;
}

/** `onContinue`: a 100 came. */
function createReplyReader(onContinue: () => void): ReplyReader {
  let head = "";
  let fields = "";
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
    if (status < 300) isRight &&= isExpected(slice, received, expected);
    received += slice.byteLength;
  }

  function finish(expected: Expected): Reply {
    const sizeBytes = expected.body?.byteLength ?? expected.content?.sizeBytes;
    if (sizeBytes !== undefined && status < 300 && received !== sizeBytes) isRight = false;
    return { status, fields, bodySizeBytes: received, body: isKept(expected) ? Buffer.concat(kept) : null, isRight };
  }

  function readHead(slice: Buffer, expected: Expected): Buffer | null {
    const before = head.length;
    head += slice.toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end === -1) return null;
    status = Number(head.slice(9, 12));
    if (status === 100) {
      const rest = slice.subarray(end + 4 - before);
      head = "";
      onContinue();
      return rest.byteLength === 0 ? null : readHead(rest, expected);
    }
    fields = head.slice(head.indexOf("\r\n") + 2, end);
    const hasNoBody = status === 204 || status === 304 || expected.hasNoBody === true;
    isChunked = !hasNoBody && /^transfer-encoding: *chunked/im.test(fields);
    remaining = hasNoBody ? 0 : Number(/^content-length: *(\d+)/im.exec(fields)?.[1] ?? 0);
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
        rest = readHead(slice, expected);
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
