import {
  assert,
  ClusterFailure,
  idBytes,
  newId,
  type DriveId,
  type Logger,
  type Random,
  type SessionId,
} from "@kakera/kernel";
import type { Codec, SharedMemory } from "@kakera/erasure";
import type { Pool } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import type { BodyOwner, BodySource, WrittenBody } from "../bodies.ts";
import type { Budget, MemorySource } from "../memory-budget.ts";
import { SlabLease } from "../slab-lease.ts";
import type { BodyHasher } from "./body-hasher.ts";
import { BodyReader } from "./body-reader.ts";
import type { Convoy } from "./convoy.ts";
import { collectRepair } from "./collect-repair.ts";
import { discardShards, withinWait } from "./discard-shards.ts";
import type { SenderParts, SentChunk } from "./send-shards.ts";
import { formOf, headSizeBytes, memoryNeeded, nextSpan } from "./split-into-chunks.ts";
import { MemoryTurn } from "./memory-turn.ts";
import { ChunkWrite, type BodyWrite } from "./write-chunk.ts";
import type { WriteRegister } from "./write-register.ts";

export interface WriteParts extends Omit<SenderParts, "signal" | "avoided"> {
  readonly memory: SharedMemory;
  readonly codec: Codec;
  readonly budget: Budget;
  readonly random: Random;
  readonly logger: Logger;
  readonly register: WriteRegister;
  readonly convoy: Convoy;
  readonly makeHasher: () => BodyHasher;
  readonly session: () => SessionId;
  readonly onSent: (chunk: SentChunk) => void;
}

export interface WriteRequest {
  readonly source: BodySource;
  readonly owner: BodyOwner;
  readonly signal: AbortSignal;
}

/** A body and the number of its write, which is null when no drive was asked. */
export interface NumberedBody {
  readonly body: WrittenBody;
  readonly writeNumber: number | null;
}

/** Takes a whole body in and makes it durable: the story of architecture.md section 5, up to the commit. Contract: Bodies. */
export async function writeBody(parts: WriteParts, request: WriteRequest): Promise<NumberedBody> {
  const { source, owner, signal } = request;
  const hasher = parts.makeHasher();
  const reader = new BodyReader(source, { hasher, signal, clock: parts.clock });
  if (source.sizeBytes !== null && source.sizeBytes <= owner.inlineBytesMax) {
    return readInline({ parts, reader }, source.sizeBytes);
  }
  const pool = parts.map.writePool();
  if (pool === null) throw new ClusterFailure("retry", "no pool is formed yet", { reason: "QUORUM_LOST" });
  const neededBytes = memoryNeeded(pool, source.sizeBytes, parts.settings);
  const memorySource = parts.budget.tryTake(neededBytes) ?? (await parts.budget.take(neededBytes, signal));
  const lease = new SlabLease(parts.memory, neededBytes, (bytes) => memorySource.give(bytes));
  memorySource.watch(reader);
  try {
    if (source.sizeBytes !== null) {
      return await writeChunks({ parts, reader, request, pool, lease, memorySource }, source.sizeBytes);
    }
    return await writeUnknown({ parts, reader, request, pool, lease, memorySource });
  } finally {
    memorySource.unwatch(reader);
    hasher.end();
    lease.end();
  }
}

/** What `writeBody` takes of the budget for a body of this size. */
export function memoryNeededToWrite(parts: WriteParts, sizeBytes: number, owner: BodyOwner): number {
  const pool = parts.map.writePool();
  return pool === null || sizeBytes <= owner.inlineBytesMax ? 0 : memoryNeeded(pool, sizeBytes, parts.settings);
}

interface Reading {
  readonly parts: WriteParts;
  readonly reader: BodyReader;
}

interface Writing extends Reading {
  readonly request: WriteRequest;
  readonly pool: Pool;
  readonly lease: SlabLease;
  readonly memorySource: MemorySource;
}

async function readInline({ parts, reader }: Reading, sizeBytes: number): Promise<NumberedBody> {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  const filledBytes = await reader.fill(bytes, () => {});
  assert(filledBytes === sizeBytes, "a source brings as many bytes as it announced");
  await reader.finish();
  const md5 = await reader.digest();
  return { body: { kind: "inline", bytes, sizeBytes, session: parts.session(), md5, repair: null }, writeNumber: null };
}

/** Reads so far that the form of the body can be decided, as if its size had been known. */
async function writeUnknown(writing: Writing): Promise<NumberedBody> {
  const { parts, reader, request, lease } = writing;
  const headBytesMax = headSizeBytes(parts.settings);
  const head = lease.acquire(headBytesMax);
  try {
    const filledBytes = await reader.fill(head.bytes.subarray(0, headBytesMax), (settled) => void head.pin(settled));
    const isWhole = filledBytes < headBytesMax;
    reader.giveBack(head.bytes.subarray(0, filledBytes));
    if (isWhole && filledBytes <= request.owner.inlineBytesMax) return await readInline(writing, filledBytes);
    return await writeChunks(writing, isWhole ? filledBytes : null);
  } finally {
    head.retire();
  }
}

async function writeChunks(writing: Writing, sizeBytes: number | null): Promise<NumberedBody> {
  const { parts, reader, request, pool, lease, memorySource } = writing;
  const avoided = new Set<DriveId>();
  const body: BodyWrite = {
    dataId: newId("data", parts.random),
    pool,
    form: formOf(sizeBytes, parts.settings),
    owner: request.owner,
    session: parts.session(),
    writeNumber: parts.register.begin(),
    lease,
    turn: new MemoryTurn(lease, memorySource, request.signal),
    codec: parts.codec,
    convoy: parts.convoy,
    sender: { ...parts, signal: request.signal, avoided },
  };
  const chunks: ChunkWrite[] = [];
  const sent: SentChunk[] = [];
  try {
    do {
      const chunk = new ChunkWrite(body, chunks.length);
      chunks.push(chunk);
      const outcome = await chunk.write(reader, nextSpan(sizeBytes === null ? null : sizeBytes - reader.takenBytes));
      sent.push(outcome);
      parts.onSent(outcome);
    } while (sizeBytes === null ? await reader.hasMore() : reader.takenBytes < sizeBytes);
    await reader.finish();
    const md5 = await reader.digest();
    return { body: describe(body, { sizeBytes: reader.takenBytes, md5, sent }), writeNumber: body.writeNumber };
  } catch (failure) {
    await giveUp(parts, body, chunks);
    throw failure;
  }
}

function describe(
  body: BodyWrite,
  written: { readonly sizeBytes: number; readonly md5: Buffer | null; readonly sent: readonly SentChunk[] },
): WrittenBody {
  const { dataId, pool, form, owner, session } = body;
  const { sizeBytes, md5, sent } = written;
  const place = { dataId: idBytes(dataId), pool: pool.pool, form: records.BodyForm[form], sizeBytes };
  const repair = collectRepair({ dataId, pool: pool.pool, form, sizeBytes, owner }, sent);
  return { kind: "chunks", place, sizeBytes, session, md5, repair };
}

/** A definite failure: no record will name this body, so what is on drives goes at once (F26). */
async function giveUp(parts: WriteParts, body: BodyWrite, chunks: readonly ChunkWrite[]): Promise<void> {
  const cleaning = Promise.all(chunks.map(async (chunk) => discardShards(parts, await chunk.abandon()))).then(() =>
    parts.register.decide(body.writeNumber),
  );
  await withinWait(parts.clock, cleaning);
}
