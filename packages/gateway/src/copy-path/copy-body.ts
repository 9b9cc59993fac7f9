import type { BodyOriginal, BodyOwner } from "../bodies.ts";
import type { Budget } from "../memory-budget.ts";
import { memoryNeeded as memoryNeededToRead } from "../read-path/plan-windows.ts";
import { readBody, type ReadParts } from "../read-path/read-body.ts";
import { memoryNeededToWrite, writeBody, type NumberedBody, type WriteParts } from "../write-path/write-body.ts";
import { MemoryShare } from "./memory-share.ts";
import { pipeBody } from "./pipe-body.ts";

export interface CopyParts {
  readonly budget: Budget;
  readonly reading: ReadParts;
  readonly writing: WriteParts;
}

export interface CopyRequest {
  readonly original: BodyOriginal;
  readonly owner: BodyOwner;
  readonly signal: AbortSignal;
}

/**
 * Reads a body and writes it anew, in chunks of its own: chunks are never shared, as each is named by exactly one record
 * (correctness.md F7). The memory of both halves is taken at once (F26). Where it is more than all there is, the read goes
 * with less, and so without reading ahead. Contract: Bodies.
 */
export async function copyBody({ budget, reading, writing }: CopyParts, request: CopyRequest): Promise<NumberedBody> {
  const { original, owner, signal } = request;
  const { parts: bodies, range } = original;
  const writeBytes = memoryNeededToWrite(writing, range.lengthBytes, owner);
  const readBytes = Math.min(memoryNeededToRead(reading.map, bodies, range), budget.bytesMax - writeBytes);
  const source = await budget.take(readBytes + writeBytes, signal);
  const readShare = new MemoryShare(source, readBytes);
  const writeShare = new MemoryShare(source, writeBytes);
  try {
    return await pipeBody(
      original,
      {
        read: (sink, stop) => readBody({ ...reading, budget: readShare }, { bodies, range, sink, signal: stop }),
        write: (source) => writeBody({ ...writing, budget: writeShare }, { source, owner, signal }),
      },
      signal,
    );
  } finally {
    readShare.end();
    writeShare.end();
  }
}
