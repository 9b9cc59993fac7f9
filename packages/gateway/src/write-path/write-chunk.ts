import { ClusterFailure, type DataId, type DriveId, type SessionId } from "@kakera/kernel";
import type { Codec } from "@kakera/erasure";
import type { Pool } from "@kakera/metadata";
import type { Receipt, ShardDrive, ShardIdentity, ShardRef } from "@kakera/rpc";
import type { BodyOwner } from "../bodies.ts";
import type { SlabLease } from "../slab-lease.ts";
import { awaitMemory } from "./await-memory.ts";
import { ChunkEpoch } from "./chunk-epoch.ts";
import { awaitStragglers, type Runner } from "./await-stragglers.ts";
import type { BodyReader } from "./body-reader.ts";
import { chooseHomes, findCandidates, isDeclared, type BodyForm, type ChunkHomes } from "./choose-homes.ts";
import type { Convoy } from "./convoy.ts";
import { findingOf } from "./declare-drive.ts";
import type { PlacedShard } from "./discard-shards.ts";
import { ChunkChecksums } from "./encode-stripes.ts";
import type { MemoryTurn } from "./memory-turn.ts";
import { rebuildOnto } from "./rebuild-onto.ts";
import { ShardSender, type SenderParts, type SentChunk, type Siblings } from "./send-shards.ts";
import { ShardLane } from "./shard-lane.ts";
import { bufferedShardBytes, type ChunkSpan } from "./split-into-chunks.ts";
import { StripeBuffer } from "./stripe-buffer.ts";
import { ownFileBytesMin } from "./write-settings.ts";

/** What all chunks of one body share. */
export interface BodyWrite {
  readonly dataId: DataId;
  readonly pool: Pool;
  readonly form: BodyForm;
  readonly owner: BodyOwner;
  readonly session: SessionId;
  readonly writeNumber: number;
  readonly lease: SlabLease;
  readonly turn: MemoryTurn;
  readonly codec: Codec;
  readonly convoy: Convoy;
  readonly sender: SenderParts;
}

/** A long shard takes a while to be made anew, but not all the time that the write has: another drive may be better. */
const rebuildsBeforeDeadline = 4;

/** Writes one chunk: fills, encodes and sends its stripes until all its shards are durable as promised. */
export class ChunkWrite {
  readonly #body: BodyWrite;
  readonly #chunkIndex: number;
  readonly #homes: ChunkHomes;
  readonly #epoch: ChunkEpoch;
  readonly #checksums: ChunkChecksums;
  #lanes: readonly (ShardLane | null)[] = [];
  /** Late shards that a substitute gets when the chunk has ended. */
  readonly #leftToSubstitutes = new Set<number>();
  #sender: ShardSender | null = null;
  sizeBytes = 0;

  constructor(body: BodyWrite, chunkIndex: number) {
    this.#body = body;
    this.#chunkIndex = chunkIndex;
    this.#homes = this.#chooseHomes();
    this.#epoch = new ChunkEpoch(this.#homes.epoch, async () => {
      await body.sender.barrier();
      return this.#chooseHomes().epoch;
    });
    this.#checksums = new ChunkChecksums({ dataId: body.dataId, chunkIndex }, this.#homes.homes.length);
  }

  /** Takes its span of the body from the reader. Rejects with what the reader or the drives say; then `abandon` it. */
  async write(reader: BodyReader, span: ChunkSpan): Promise<SentChunk> {
    const { geometry } = this.#homes;
    const buffer = await this.#buffer(bufferedShardBytes(span, geometry.k));
    let isStreamed = false;
    try {
      await buffer.fill(reader, span);
      isStreamed = buffer.shardBytes >= ownFileBytesMin;
      if (!isStreamed) return await this.#putWhole(buffer, reader);
    } finally {
      if (!isStreamed) buffer.retire();
    }
    return this.#stream(buffer, reader, span);
  }

  /** Shards that are on drives, or may come to be: what is to be removed when the body is given up. */
  async abandon(): Promise<readonly PlacedShard[]> {
    await Promise.all(this.#lanes.map((lane) => lane?.abort() ?? Promise.resolve()));
    const attempts = this.#sender?.heldOrPending() ?? [];
    await Promise.all(attempts.map(({ settled }) => settled));
    return (this.#sender?.heldOrPending() ?? []).map(({ shard }) => ({
      ref: this.refOf(shard.shardIndex),
      driveId: shard.driveId,
    }));
  }

  refOf(shardIndex: number): ShardRef {
    return { group: this.#homes.group, dataId: this.#body.dataId, chunkIndex: this.#chunkIndex, shardIndex };
  }

  /** A chunk of shards so short that each goes to its drive in one call. */
  async #putWhole(buffer: StripeBuffer, reader: BodyReader): Promise<SentChunk> {
    // Only a body's last chunk is so short. Its digests are checked before anything is written.
    await reader.finish();
    await this.#body.convoy.join(this.#body.writeNumber);
    this.sizeBytes = buffer.bodyBytes;
    const checksums = this.#checksums.encode(this.#body.codec, buffer);
    const shardDigests = this.#checksums.digests();
    const put = (shardIndex: number, drive: ShardDrive): Promise<Receipt> =>
      this.#epoch.under((epoch) =>
        buffer.slabOf(shardIndex).pin(
          drive.put({
            identity: this.#identity(shardIndex, epoch),
            chunkSizeBytes: buffer.bodyBytes,
            payload: buffer.payloadOf(shardIndex),
            blockChecksums: checksums[shardIndex] as Buffer,
            shardDigests,
          }),
        ),
      );
    const firsts = this.#homeDrives().map((drive, shardIndex) => (drive === null ? null : put(shardIndex, drive)));
    const { writeGraceMs } = this.#body.sender.settings;
    this.#sender = new ShardSender(this.#body.sender, {
      homes: this.#homes,
      firsts,
      substitute: put,
      substituteGraceMs: writeGraceMs,
    });
    return this.#send(this.#sender);
  }

  /** A chunk of long shards: two buffers, one of which is filled while the drives write the other. */
  async #stream(first: StripeBuffer, reader: BodyReader, span: ChunkSpan): Promise<SentChunk> {
    const { shardBytes } = first;
    const buffers: (StripeBuffer | null)[] = [first, null];
    const appends: Promise<number>[][] = [[], []];
    try {
      this.#lanes = this.#homeDrives().map(
        (drive, shardIndex) =>
          drive &&
          new ShardLane(drive, { identity: this.#identity(shardIndex, this.#homes.epoch), epoch: this.#epoch }),
      );
      for (let turn = 0; ; turn ^= 1) {
        const buffer = buffers[turn] as StripeBuffer;
        appends[turn] = this.#append(buffer);
        const leftBytes = span.wantedBytes - this.sizeBytes;
        // At the body's end this waits for its digests to be checked: before anything of it counts.
        if (leftBytes === 0 || span.end === "unknown") {
          const hasMore = await reader.hasMore();
          if (leftBytes === 0 || !hasMore) break;
        }
        if (this.#body.turn.isOver) await this.#letOthers({ buffers, appends }, reader);
        const other = (buffers[turn ^ 1] ??= await this.#buffer(shardBytes));
        await this.#untilTaken(appends[turn ^ 1] as Promise<number>[]);
        await other.hashed(reader);
        await this.#untilUnused(other.renewalBytes);
        other.renew();
        await other.fill(reader, { wantedBytes: leftBytes, end: span.end });
      }
    } finally {
      for (const buffer of buffers) buffer?.retire();
    }
    // The next chunk takes the memory of these buffers.
    const [sent] = await Promise.all([this.#finishLanes(), ...buffers.map((buffer) => buffer?.hashed(reader))]);
    return sent;
  }

  /** Others wait for memory: what is under way is ended, all memory given back, and taken again when they have had some. */
  async #letOthers(
    underWay: { readonly buffers: (StripeBuffer | null)[]; readonly appends: readonly Promise<number>[][] },
    reader: BodyReader,
  ): Promise<void> {
    for (const appends of underWay.appends) await this.#untilTaken(appends);
    for (const [index, buffer] of underWay.buffers.entries()) {
      await buffer?.hashed(reader);
      underWay.buffers[index] = null;
      buffer?.retire();
    }
    await this.#body.turn.next();
  }

  async #buffer(shardBytes: number): Promise<StripeBuffer> {
    const { geometry } = this.#homes;
    await this.#untilUnused(StripeBuffer.sizeBytes(geometry, shardBytes));
    return new StripeBuffer(this.#body.lease, geometry, shardBytes);
  }

  #untilUnused(bytes: number): Promise<void> {
    const { lease, sender } = this.#body;
    const { clock, settings, signal } = sender;
    return awaitMemory(lease, bytes, { clock, signal, deadlineMs: settings.writeDeadlineMs });
  }

  /** By shard: when its drive has taken it, or failed to, with the milliseconds that it took. */
  #append(buffer: StripeBuffer): Promise<number>[] {
    const { clock, grace } = this.#body.sender;
    this.sizeBytes += buffer.bodyBytes;
    this.#body.turn.spend(buffer.bodyBytes);
    const checksums = this.#checksums.encode(this.#body.codec, buffer);
    const sentAtMs = clock.monotonicMs();
    return this.#lanes.map(async (lane, shardIndex) => {
      if (lane === null || lane.failure !== null) return 0;
      const { taken, released } = lane.append(buffer.payloadOf(shardIndex), checksums[shardIndex] as Buffer);
      void buffer.slabOf(shardIndex).pin(released);
      await taken;
      const tookMs = clock.monotonicMs() - sentAtMs;
      if (lane.failure === null) grace.record(lane.drive.driveId, tookMs);
      return tookMs;
    });
  }

  /**
   * Until the drives took what was appended; those that do not in time are given up, if the chunk can do without them. Rejects with
   * ClusterFailure: `full` when too few take it and one of the others has no room, or else `retry`.
   */
  async #untilTaken(appends: readonly Promise<number>[]): Promise<void> {
    const { clock, grace, settings } = this.#body.sender;
    const runners = this.#lanes.flatMap((lane, shardIndex): Runner[] => {
      const arrival = appends[shardIndex];
      if (lane === null || lane.failure !== null || arrival === undefined) return [];
      return [
        {
          arrival,
          isWell: () => lane.failure === null,
          graceMs: (quorumTookMs) => grace.graceMs(lane.drive.driveId, quorumTookMs),
          isDispensable: () => this.#isDispensable(shardIndex, lane.drive.driveId),
          giveUp: () => lane.giveUp(),
        },
      ];
    });
    if (runners.length === 0 && appends.length === 0) return;
    const rule = { quorum: this.#homes.geometry.k, deadlineMs: settings.writeDeadlineMs };
    try {
      await awaitStragglers(runners, rule, clock);
    } catch (failure) {
      // To wait and try again makes no room. A log that is halted or out of reach is another matter.
      const isTooFew = failure instanceof ClusterFailure && failure.reason === "QUORUM_LOST";
      const full = this.#lanes.find((lane) => lane !== null && isFull(lane.failure))?.failure;
      throw isTooFew && full != null ? full : failure;
    }
  }

  /** Whether a late shard can go to a substitute when the chunk has ended, or be left out. */
  async #isDispensable(shardIndex: number, home: DriveId): Promise<boolean> {
    const { map, drives, declarer, avoided } = this.#body.sender;
    if (isDeclared(map, home)) return true;
    const domains = new Set(this.#homes.homes.map((driveId) => driveId && map.drive(driveId)?.domain));
    const candidates = findCandidates(map, drives, (driveId) => avoided.has(driveId));
    const freeCount = candidates.filter(({ domain }) => !domains.has(domain)).length;
    const isOpen = (lane: ShardLane | null, index: number): boolean =>
      lane === null || lane.failure !== null || this.#leftToSubstitutes.has(index);
    if (freeCount > this.#lanes.filter(isOpen).length) {
      this.#leftToSubstitutes.add(shardIndex);
      return true;
    }
    return (await declarer.declare(home, findingOf(drives, home))) === "declared";
  }

  /**
   * By shard: the home to send it to, or null where nothing is to be expected. A suspect home may be left out and need not be:
   * where fewer than k others are left that answer, all are asked. Some may have been blamed for nothing but load, and no
   * write would go anywhere until they are taken back.
   */
  #homeDrives(): (ShardDrive | null)[] {
    const { map } = this.#body.sender;
    const members = this.#homes.homes.map((home) => (isDeclared(map, home) ? null : this.#driveAt(home)));
    const memberCount = members.filter((drive) => drive !== null && drive.status().condition !== "suspect").length;
    if (memberCount >= this.#homes.geometry.k) return members;
    return this.#homes.homes.map((home, shardIndex) => {
      const isSuspect = home !== null && map.drive(home)?.standing === "SUSPECT";
      return isSuspect ? this.#driveAt(home) : (members[shardIndex] ?? null);
    });
  }

  #driveAt(home: DriveId | null): ShardDrive | null {
    const { drives, avoided } = this.#body.sender;
    if (home === null || avoided.has(home)) return null;
    const drive = drives.get(home) ?? null;
    const condition = drive?.status().condition;
    return condition === "offline" || condition === "failed" ? null : drive;
  }

  /**
   * Of a group that moved meanwhile, its homes are those of a list that is at least as new as all receipts. A shard that reached a former
   * home before that was sealed is moved from there; one that came later is on a substitute, and must be named as one.
   */
  async #send(sender: ShardSender): Promise<SentChunk> {
    const sent = await sender.send();
    return this.#epoch.current === this.#homes.epoch ? sent : { ...sent, homes: this.#chooseHomes() };
  }

  #chooseHomes(): ChunkHomes {
    const { sender, pool, dataId, form } = this.#body;
    return chooseHomes(sender.map, pool, { dataId, chunkIndex: this.#chunkIndex, form });
  }

  #identity(shardIndex: number, epoch: number): ShardIdentity {
    const { session, writeNumber, owner } = this.#body;
    const { pool, geometry } = this.#homes;
    return {
      ...this.refOf(shardIndex),
      pool,
      epoch,
      k: geometry.k,
      m: geometry.m,
      session,
      writeNumber,
      ownerBucketId: owner.bucketId,
      ownerKey: owner.objectKey,
    };
  }

  #finishLanes(): Promise<SentChunk> {
    const end = { chunkSizeBytes: this.sizeBytes, shardDigests: this.#checksums.digests() };
    const firsts = this.#lanes.map((lane) => lane && lane.finish(end));
    const substitute = (shardIndex: number, drive: ShardDrive, siblings: Siblings): Promise<Receipt> =>
      this.#epoch.under((epoch) =>
        rebuildOnto(this.#body, { identity: this.#identity(shardIndex, epoch), end, drive, siblings }),
      );
    const { writeDeadlineMs } = this.#body.sender.settings;
    this.#sender = new ShardSender(this.#body.sender, {
      homes: this.#homes,
      firsts,
      substitute,
      substituteGraceMs: writeDeadlineMs / rebuildsBeforeDeadline,
    });
    return this.#send(this.#sender);
  }
}

function isFull(failure: Error | null): boolean {
  return failure instanceof ClusterFailure && failure.kind === "full";
}
