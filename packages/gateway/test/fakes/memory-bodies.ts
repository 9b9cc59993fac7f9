import { createHash } from "node:crypto";
import { ClusterFailure, idBytes, newId, type Random, type SessionId } from "@kakera/kernel";
import type { BodyOwner, BodyRange, BodySink, BodySource, StoredBody, WrittenBody } from "../../src/bodies.ts";
import { pipeBody } from "../../src/copy-path/pipe-body.ts";
import type { OperationBodies } from "../../src/gateway-parts.ts";

/** Bodies in memory, honest about bytes, digests and what was freed; faults on request. */
export interface MemoryBodies extends OperationBodies {
  /** Bodies that exist now, by data id in hex. */
  readonly stored: Map<string, Buffer>;
  readonly discarded: string[];
  readonly faults: MemoryBodiesFaults;
  writeCount: number;
  /** Bodies whose commit was told to be decided. */
  settledCount: number;
  /** Reads under way. */
  readingCount: number;
}

export interface MemoryBodiesFaults {
  /** Awaited at the end of each write, before it resolves. */
  beforeWritten: (() => Promise<void>) | null;
  failWrite: Error | null;
  /** A write rejects with `failWrite` as soon as it was given so many bytes, instead of at its end. */
  failWriteAfterBytes: number | null;
  /** A read rejects with this after so many bytes of it. */
  failRead: { afterBytes: number; failure: Error } | null;
  beforeRead: (() => Promise<void>) | null;
}

const readSliceBytes = 256 * 1024;

export function createMemoryBodies(parts: { session: SessionId; random: Random; hasMd5?: "yes" | "no" }): MemoryBodies {
  const stored = new Map<string, Buffer>();
  const discarded: string[] = [];
  const faults: MemoryBodiesFaults = {
    beforeWritten: null,
    failWrite: null,
    failWriteAfterBytes: null,
    failRead: null,
    beforeRead: null,
  };
  const readInto = async (
    list: readonly StoredBody[],
    range: BodyRange,
    out: { sink: BodySink; signal: AbortSignal },
  ): Promise<void> => {
    const { sink, signal } = out;
    if (faults.beforeRead !== null) await faults.beforeRead();
    const whole = Buffer.concat(list.map((body) => bytesOf(stored, body)));
    const wanted = whole.subarray(range.offsetBytes, range.offsetBytes + range.lengthBytes);
    // One buffer for all slices, spoiled as soon as a slice was taken: as the data path's own slabs are used again.
    const scratch = Buffer.alloc(Math.min(readSliceBytes, wanted.byteLength));
    for (let at = 0; at < wanted.byteLength; at += readSliceBytes) {
      signal.throwIfAborted();
      if (faults.failRead !== null && at >= faults.failRead.afterBytes) throw faults.failRead.failure;
      const slice = scratch.subarray(0, wanted.copy(scratch, 0, at, at + readSliceBytes));
      await sink.write(slice);
      slice.fill(0xdb);
    }
  };
  const bodies: MemoryBodies = {
    stored,
    discarded,
    faults,
    writeCount: 0,
    settledCount: 0,
    readingCount: 0,

    readNow: () => null,
    async write(source: BodySource, owner: BodyOwner, signal: AbortSignal): Promise<WrittenBody> {
      bodies.writeCount++;
      const slices: Buffer[] = [];
      let takenBytes = 0;
      for (let slice = await source.pull(); slice !== null; slice = await source.pull()) {
        signal.throwIfAborted();
        slices.push(Buffer.from(slice));
        takenBytes += slice.byteLength;
        if (faults.failWriteAfterBytes !== null && takenBytes >= faults.failWriteAfterBytes)
          throw faults.failWrite ?? new Error("no write");
      }
      const bytes = Buffer.concat(slices);
      if (faults.failWrite !== null) throw faults.failWrite;
      if (faults.beforeWritten !== null) await faults.beforeWritten();
      const md5 = parts.hasMd5 === "no" ? null : createHash("md5").update(bytes).digest();
      const common = { session: parts.session, md5, repair: null, sizeBytes: bytes.byteLength };
      if (bytes.byteLength <= owner.inlineBytesMax) return { kind: "inline", bytes, ...common };
      const dataId = newId("data", parts.random);
      stored.set(dataId, bytes);
      return { kind: "chunks", place: { dataId: idBytes(dataId), pool: 1, sizeBytes: bytes.byteLength }, ...common };
    },

    async read(list: readonly StoredBody[], range, sink: BodySink, signal: AbortSignal): Promise<void> {
      bodies.readingCount++;
      try {
        await readInto(list, range, { sink, signal });
      } finally {
        bodies.readingCount--;
      }
    },

    copy: (original, owner, signal) =>
      pipeBody(
        original,
        {
          read: (sink, stop) => bodies.read(original.parts, original.range, sink, stop),
          write: (source) => bodies.write(source, owner, signal),
        },
        signal,
      ),

    settle(list) {
      bodies.settledCount += list.length;
    },

    async discard(list: readonly WrittenBody[]): Promise<void> {
      for (const body of list) {
        if (body.kind !== "chunks") continue;
        const id = Buffer.from(body.place.dataId ?? []).toString("hex");
        stored.delete(id);
        discarded.push(id);
      }
    },
  };
  return bodies;
}

function bytesOf(stored: Map<string, Buffer>, body: StoredBody): Buffer {
  if (body.kind === "inline") return Buffer.from(body.bytes);
  const bytes = stored.get(Buffer.from(body.place.dataId ?? []).toString("hex"));
  if (bytes === undefined) throw new ClusterFailure("retry", "no such body", { reason: "QUORUM_LOST" });
  return bytes;
}
