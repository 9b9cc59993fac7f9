import { DAY_MS, HOUR_MS, MIB, SECOND_MS } from "@kakera/kernel";

export interface MaintenanceSettings {
  /** How often the quick loops look: drives' standings, garbage, repair rows, drives that are behind. */
  readonly lookIntervalMs: number;
  /** From the end of one count of everything to the start of the next. */
  readonly censusIntervalMs: number;
  /** So long a drive must be away before it is declared down, and there before it is taken back. */
  readonly steadyMs: number;
  /** So long garbage is kept after it was first seen, whatever reads are under way. */
  readonly garbageGraceMs: number;
  readonly repairBytesPerSecondMax: number;
  readonly moveBytesPerSecondMax: number;
  /** Chunks in the backlog. */
  readonly repairItemsMax: number;
  readonly scrubIntervalMs: number;
  readonly scrubBytesPerSecondMin: number;
  readonly scrubBytesPerSecondMax: number;
  readonly staleUploadAgeMs: number;
  readonly uploadsIntervalMs: number;
}

export const defaultMaintenanceSettings: MaintenanceSettings = {
  lookIntervalMs: 5 * SECOND_MS,
  censusIntervalMs: 1 * HOUR_MS,
  steadyMs: 5 * SECOND_MS,
  garbageGraceMs: 60 * SECOND_MS,
  repairBytesPerSecondMax: 256 * MIB,
  moveBytesPerSecondMax: 128 * MIB,
  repairItemsMax: 50_000,
  scrubIntervalMs: 7 * DAY_MS,
  scrubBytesPerSecondMin: 1 * MIB,
  scrubBytesPerSecondMax: 64 * MIB,
  staleUploadAgeMs: 7 * DAY_MS,
  uploadsIntervalMs: 1 * HOUR_MS,
};
