import { MIB, SECOND_MS } from "@kakera/kernel";

export interface ReadSettings {
  /** Extra shard reads for slow drives, as a share of all shard reads. */
  readonly hedgeShare: number;
  /** No shard is raced sooner than this, however fast the others are. */
  readonly hedgeDelayMsMin: number;
  /** How late is late, before enough reads were seen. */
  readonly hedgeDelayMsFirst: number;
  /** A shard that takes longer is no longer waited for, whatever the share of hedges. */
  readonly shardPatienceMs: number;
  /** A read that takes longer than this, and far longer than usual, is a slow one. */
  readonly slowReadMsMin: number;
  /** After so many slow reads in a row a drive is asked last. */
  readonly slowReadsMax: number;
  /** How often a slow drive is asked all the same. */
  readonly slowDriveProbeMs: number;
  /** A node that was there so short a time ago may be back at any moment: it was busy, or a connection broke. */
  readonly awayPatienceMs: number;
  /** Where one such is needed, it is asked again after this. */
  readonly askAgainMs: number;
  /** After this a window without k shards has failed. */
  readonly windowDeadlineMs: number;
}

export const defaultReadSettings: ReadSettings = {
  hedgeShare: 0.05,
  hedgeDelayMsMin: 5,
  hedgeDelayMsFirst: 50,
  shardPatienceMs: 1 * SECOND_MS,
  slowReadMsMin: 250,
  slowReadsMax: 3,
  slowDriveProbeMs: 2 * SECOND_MS,
  awayPatienceMs: 10 * SECOND_MS,
  askAgainMs: 100,
  windowDeadlineMs: 15 * SECOND_MS,
};

/** Bytes of each shard that one read asks for in a long range; smaller reads cost a quarter more. */
export const windowShardBytesMax = 1 * MIB;
/** Windows under way of one request: one is sent while the next is fetched. */
export const readAheadDepth = 2;
/** Windows up to this size are first asked for without waiting. */
export const readNowBytesMax = 1 * MIB;
/** Pieces of a window are handed to the client's socket so many bytes at a time. */
export const sentTogetherBytes = 1 * MIB;
