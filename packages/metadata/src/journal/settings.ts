import { assert, KIB, MIB } from "@kakera/kernel";
import { blockBytes } from "./batch-format.ts";

/** Sizes and bounds of a journal. All have defaults for a server; tests choose small ones. */
export interface JournalSettings {
  /** A journal file: preallocated, filled front to back, recycled. A batch that does not fit one gets a file of its own size. */
  readonly fileSizeBytes: number;
  /** Files on each drive that only deletes, garbage and checkpoints may begin, so that a full drive can be emptied. */
  readonly reserveFiles: number;
  /** A batch takes no further change when it has so many, or so many bytes. Also what one write to a drive gathers. */
  readonly batchChangesMax: number;
  readonly batchBytesMax: number;
  /** Changes that wait while a batch flies; beyond them commits are refused. */
  readonly queueChangesMax: number;
  readonly queueBytesMax: number;
  /** Batches that wait for one slow drive; beyond them it is let go and refilled. */
  readonly backlogBytesMax: number;
  /** A checkpoint is due when the journal since the last is larger than it and than this. */
  readonly checkpointBytesMin: number;
  readonly checkpointBlockBytes: number;
}

export const journalSettingsDefault: JournalSettings = {
  fileSizeBytes: 32 * MIB,
  reserveFiles: 1,
  batchChangesMax: 1000,
  batchBytesMax: 4 * MIB,
  queueChangesMax: 20_000,
  queueBytesMax: 64 * MIB,
  backlogBytesMax: 64 * MIB,
  checkpointBytesMin: 256 * MIB,
  checkpointBlockBytes: 512 * KIB,
};

export function checkSettings(settings: JournalSettings): JournalSettings {
  assert(
    settings.fileSizeBytes >= 2 * blockBytes && settings.fileSizeBytes % blockBytes === 0,
    "a journal file is some 4 KiB blocks",
  );
  assert(settings.reserveFiles >= 0 && settings.batchChangesMax >= 1, "bounds are positive");
  assert(
    settings.batchBytesMax >= blockBytes && settings.backlogBytesMax >= settings.batchBytesMax,
    "a backlog holds a batch",
  );
  return settings;
}
