import type { DriveId, Meter } from "@kakera/kernel";
import type { DriveCondition } from "@kakera/rpc";

const conditions: readonly DriveCondition[] = ["online", "suspect", "full", "failed", "offline"];

/** All instruments of the drive engine. */
export interface DriveMetrics {
  setCondition(condition: DriveCondition): void;
  synced(seconds: number, batch: { readonly records: number; readonly bytes: number }): void;
  ownFileWritten(payloadBytes: number): void;
  bytesRead(bytes: number): void;
  bitrotFound(): void;
  compacted(freedBytes: number): void;
  /** A disk call that failed; `timeout`: it did not end in time. */
  callFailed(kind: "timeout" | "unavailable" | "full" | "io"): void;
  /** Asked before each scrape. null: nobody knows. */
  watch(facts: () => { readonly callsUnderWay: number | null; readonly freeInodes: number | null }): void;
}

export function createDriveMetrics(meter: Meter, driveId: DriveId): DriveMetrics {
  const drive = { drive: driveId };
  const state = meter.gauge({
    name: "kakera_drive_state",
    help: "1 for the state that the drive is in",
    labels: ["drive", "state"],
  });
  const syncSeconds = meter.histogram({
    name: "kakera_drive_fdatasync_duration_seconds",
    help: "time of one synchronous write of a group commit",
    labels: ["drive"],
    buckets: [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  });
  const recordsPerSync = meter.histogram({
    name: "kakera_drive_records_per_sync",
    help: "records that shared one synchronous write",
    labels: ["drive"],
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
  });
  const writtenBytes = meter.counter({
    name: "kakera_drive_written_bytes_total",
    help: "bytes of shards and their headers written, by where they went",
    labels: ["drive", "place"],
  });
  const readBytes = meter.counter({
    name: "kakera_drive_read_bytes_total",
    help: "bytes of payload read",
    labels: ["drive"],
  });
  const bitrot = meter.counter({
    name: "kakera_drive_bitrot_found_total",
    help: "records whose header or footer did not match its checksum",
    labels: ["drive"],
  });
  const freedBytes = meter.counter({
    name: "kakera_drive_compaction_freed_bytes_total",
    help: "bytes of segments given back by compaction",
    labels: ["drive"],
  });
  const callErrors = meter.counter({
    name: "kakera_drive_call_errors_total",
    help: "disk calls that failed: timeout (no answer in time), unavailable (the folder is gone), full, io",
    labels: ["drive", "kind"],
  });
  const callsUnderWay = meter.gauge({
    name: "kakera_drive_calls_in_flight",
    help: "disk calls that have not ended",
    labels: ["drive"],
  });
  const freeInodes = meter.gauge({
    name: "kakera_drive_free_inodes",
    help: "files that may still be made, where the file system has a limit",
    labels: ["drive"],
  });
  for (const kind of ["timeout", "unavailable", "full", "io"]) callErrors.add(0, { ...drive, kind });
  return {
    callFailed: (kind) => callErrors.add(1, { ...drive, kind }),
    watch(facts) {
      meter.onCollect(() => {
        const now = facts();
        if (now.callsUnderWay !== null) callsUnderWay.set(now.callsUnderWay, drive);
        if (now.freeInodes !== null) freeInodes.set(now.freeInodes, drive);
      });
    },
    setCondition(condition) {
      for (const name of conditions) state.set(name === condition ? 1 : 0, { ...drive, state: name });
    },
    synced(seconds, batch) {
      syncSeconds.observe(seconds, drive);
      recordsPerSync.observe(batch.records, drive);
      writtenBytes.add(batch.bytes, { ...drive, place: "segment" });
    },
    ownFileWritten: (payloadBytes) => writtenBytes.add(payloadBytes, { ...drive, place: "own-file" }),
    bytesRead: (bytes) => readBytes.add(bytes, drive),
    bitrotFound: () => bitrot.add(1, drive),
    compacted: (bytes) => freedBytes.add(bytes, drive),
  };
}
