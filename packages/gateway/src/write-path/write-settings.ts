import { KIB, MIB, SECOND_MS } from "@kakera/kernel";

export interface WriteSettings {
  /** `fast`: no MD5; the ETag is random. */
  readonly etag: "md5" | "fast";
  /** So long after its k-th sibling a shard is late at the earliest, and goes elsewhere; under load later (WriteGrace). */
  readonly writeGraceMs: number;
  /** So long after it was sent a chunk without k receipts has failed. */
  readonly writeDeadlineMs: number;
  /** `strict`: 503 where only k receipts are possible. */
  readonly writeQuorum: "available" | "strict";
  /** Bodies up to this size are kept as m+1 whole copies. */
  readonly replicatedBytesMax: number;
}

export const defaultWriteSettings: WriteSettings = {
  etag: "md5",
  writeGraceMs: 250,
  writeDeadlineMs: 30 * SECOND_MS,
  writeQuorum: "available",
  replicatedBytesMax: 32 * KIB,
};

/** Shards from this size on are written in pieces to files of their own (the ShardDrive port). */
export const ownFileBytesMin = 1 * MIB;
