import type { ClusterId, DriveId, Geometry } from "@kakera/kernel";
import { createCodec, createSharedMemory, type Codec, type SharedMemory } from "@kakera/erasure";
import type { MaintenanceSettings } from "@kakera/maintenance";
import type { JournalSettings } from "@kakera/metadata";

/** The whole store of one machine in small: everything turns over within a few hundred operations. */
export interface StoreSettings {
  readonly geometry: Geometry;
  readonly groupCount: number;
  /** Bodies up to this size live in the journal. */
  readonly inlineBytesMax: number;
  /** Bodies up to this size are kept as whole copies. */
  readonly replicatedBytesMax: number;
  /** Shards from this size on get files of their own. */
  readonly ownFileBytesMin: number;
  readonly segmentSizeBytes: number;
  readonly journal: Partial<JournalSettings>;
  /** Garbage, orphans, census, repair and scrub while it runs; null: none of them. Needs a clock that moves. */
  readonly maintenance: Partial<MaintenanceSettings> | null;
}

/** Every loop turns many times in the life of a small store. */
export const hastyMaintenance: Partial<MaintenanceSettings> = {
  lookIntervalMs: 4,
  censusIntervalMs: 15,
  garbageGraceMs: 5,
  scrubIntervalMs: 200,
  uploadsIntervalMs: 50,
};

export const smallStore: StoreSettings = {
  geometry: { k: 2, m: 1 },
  groupCount: 4,
  inlineBytesMax: 200,
  replicatedBytesMax: 1_500,
  ownFileBytesMin: 3_000,
  segmentSizeBytes: 48 * 1024,
  journal: {
    fileSizeBytes: 32 * 1024,
    batchBytesMax: 16 * 1024,
    backlogBytesMax: 64 * 1024,
    checkpointBytesMin: 64 * 1024,
    checkpointBlockBytes: 2 * 1024,
  },
  maintenance: null,
};

/** The one bucket that a formation makes. */
export const storeBucket = "bucket";

/** Who the drives are: what a formation writes on them, kept by whoever opens them again. */
export interface StoreFormation {
  readonly clusterId: ClusterId;
  readonly drives: readonly DriveId[];
  /** The first 2m+1 of the drives: so many that m+1 are left when m of them are lost, which a start needs. */
  readonly journal: readonly DriveId[];
}

/** The memory that bodies pass through; one for many stores that live one after the other. */
export interface StoreMemory {
  readonly memory: SharedMemory;
  readonly codec: Codec;
}

export function createStoreMemory(): StoreMemory {
  const memory = createSharedMemory({ sizeBytes: 8 * 1024 * 1024 });
  return { memory, codec: createCodec(memory) };
}
