import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { patternFor } from "@kakera/load";
import type { Target } from "./run-load.ts";
import { createSigner, emptyHash } from "./signer.ts";
import { voidUnless } from "./verdict.ts";

const MIB = 1 << 20;
const windowBytes = 64 * MIB;
const sliceBytes = MIB;

/** A body of any length: a window of the pattern for each 64 MiB, each from a place of its own. */
export interface BigBody {
  readonly bucket: string;
  readonly key: string;
  readonly sizeBytes: number;
}

/** The bytes from `offset` on, as far as they lie together; at most `lengthMax`. */
function bytesAt({ key, sizeBytes }: BigBody, offset: number, lengthMax: number): Buffer {
  const window = Math.floor(offset / windowBytes);
  const from = offset - window * windowBytes;
  const length = Math.min(lengthMax, windowBytes - from, sizeBytes - offset);
  return patternFor(`${key}#${window}`, windowBytes).subarray(from, from + length);
}

/** One PUT of all of it, no faster than the server takes it in. */
export async function putBigBody(target: Target, body: BigBody): Promise<void> {
  const socket = await open(target);
  socket.write(headOf(target, body, "PUT"), "latin1");
  let isAnswered = false;
  const answered = readHead(socket).finally(() => (isAnswered = true));
  for (let offset = 0; offset < body.sizeBytes && !isAnswered;) {
    const slice = bytesAt(body, offset, sliceBytes);
    offset += slice.byteLength;
    // A refusal may come before all was sent, and then nothing drains any more.
    if (!socket.write(slice)) await Promise.race([drained(socket), answered]);
  }
  const { status, rest } = await answered;
  voidUnless(status === 200, `PUT of ${body.key}: ${status} ${rest.toString()}`);
  socket.destroy();
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.removeAllListeners("drain");
    socket.once("drain", resolve);
  });
}

/** How fast, and how far, a GET is read. */
export interface Reading {
  /** null: as fast as it comes. */
  readonly bytesPerSecondMax: number | null;
  /** Asked after each slice: whether the rest is not wanted any more. */
  readonly isEnough: (readBytes: number) => boolean;
}

export const wholeBody: Reading = { bytesPerSecondMax: null, isEnough: () => false };

/** One GET, every byte compared. Resolves to how many were read. */
export async function getBigBody(target: Target, body: BigBody, reading: Reading): Promise<number> {
  const socket = await open(target);
  socket.write(headOf(target, body, "GET"), "latin1");
  const { status, rest } = await readHead(socket);
  voidUnless(status === 200, `GET of ${body.key}: ${status}`);
  let offset = 0;
  const take = (slice: Buffer): void => {
    for (let at = 0; at < slice.byteLength;) {
      const expected = bytesAt(body, offset, slice.byteLength - at);
      const isRight = expected.byteLength > 0 && expected.compare(slice, at, at + expected.byteLength) === 0;
      voidUnless(isRight, `a wrong byte of ${body.key} behind ${offset}`);
      offset += expected.byteLength;
      at += expected.byteLength;
    }
  };
  take(rest);
  const startedMs = performance.now();
  while (offset < body.sizeBytes && !reading.isEnough(offset)) {
    const slice = socket.read() as Buffer | null;
    if (slice === null) await once(socket, "readable");
    else take(slice);
    const { bytesPerSecondMax } = reading;
    const dueMs = bytesPerSecondMax === null ? 0 : startedMs + (offset / bytesPerSecondMax) * 1000;
    if (dueMs > performance.now()) await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
  }
  socket.destroy();
  return offset;
}

async function open(target: Target): Promise<Socket> {
  const socket = connect({ host: target.host, port: target.port, noDelay: true });
  await once(socket, "connect");
  // Whoever waits for the socket is told; while it is being written to, nobody does.
  socket.on("error", () => {});
  return socket;
}

function headOf(target: Target, body: BigBody, method: "PUT" | "GET"): string {
  return createSigner(`${target.host}:${target.port}`, target).head({
    method,
    target: `/${body.bucket}/${body.key}`,
    contentLength: method === "PUT" ? body.sizeBytes : null,
    payloadHash: method === "PUT" ? "UNSIGNED-PAYLOAD" : emptyHash,
  });
}

/** The answer's status, and what came of its body together with the head. Rejects when the connection ends before. */
async function readHead(socket: Socket): Promise<{ status: number; rest: Buffer }> {
  let head = Buffer.alloc(0);
  for (;;) {
    const slice = socket.read() as Buffer | null;
    if (slice === null) {
      voidUnless(!socket.readableEnded && !socket.destroyed, "the connection ended before an answer");
      await once(socket, "readable");
      continue;
    }
    head = Buffer.concat([head, slice]);
    const end = head.indexOf("\r\n\r\n");
    if (end !== -1) return { status: Number(head.toString("latin1", 9, 12)), rest: head.subarray(end + 4) };
  }
}
