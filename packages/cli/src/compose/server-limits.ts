import { MIB, SECOND_MS } from "@kakera/kernel";
import type { BodiesSettings, GatewaySettings } from "@kakera/gateway";
import type { MaintenanceSettings } from "@kakera/maintenance";
import type { ArchiveSettings, JournalSettings } from "@kakera/metadata";
import type { DriveSettings } from "@kakera/storage-node";
import type { ServerSettings } from "../config/resolve-settings.ts";
import type { TestSettings } from "../config/test-settings.ts";

/** Bodies up to this size live in their record (architecture.md section 2): etcd's space is dearer than that of the drives. */
const inlineBytesMax = { machine: 2048, cluster: 1024 };
const minPartBytes = 5 * MIB;
const keysPerDeletionMax = 1000;
const commitDeadlineMs = 10 * SECOND_MS;
const budgetWaitMsMax = 30 * SECOND_MS;
/** One account: a canonical id of 64 hexadecimal digits, which clients show and never use. */
const owner = { id: "a5c3b1d2e4f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90", displayName: "kakera" };

/** Slabs come in size classes, a quarter above what was asked at most. */
const inFlightShare = 0.8;
const bodyMemoryBytesDefault = 512 * MIB;
/** On 16 drives of any geometry a copy fits into what large takes may have: it reads and writes at once. */
const bodyMemoryBytesMin = 80 * MIB;

export function gatewaySettings(server: ServerSettings, test: TestSettings): GatewaySettings {
  const { region, domains, etag, metricsAuth, trustedProxies } = server;
  const partBytes = test.minPartBytes ?? minPartBytes;
  return {
    region,
    domains,
    etag,
    metricsAuth,
    trustedProxies,
    inlineBytesMax: server.etcd.length === 0 ? inlineBytesMax.machine : inlineBytesMax.cluster,
    minPartBytes: partBytes,
    keysPerDeletionMax,
    commitDeadlineMs,
    owner,
    servesObjects: server.role === "storage-node" ? "no" : "yes",
  };
}

/** Shared memory for bodies in flight, with their parity: a quarter of what the server may use, in equal parts for its processes. */
export function bodyMemoryBytes({ memoryMaxBytes, processes }: ServerSettings): number {
  const ofServer =
    memoryMaxBytes === null ? bodyMemoryBytesDefault : Math.min(bodyMemoryBytesDefault, Math.floor(memoryMaxBytes / 4));
  return Math.max(bodyMemoryBytesMin, Math.floor(ofServer / processes));
}

/** For rebuilds and scrubs of all drives at once: more than k+m+2 MiB for each of a few. */
export const maintenanceMemoryBytes = 64 * MIB;

export function maintenanceSettings(server: ServerSettings, test: TestSettings): Partial<MaintenanceSettings> {
  const { scrubIntervalMs, staleUploadAgeMs } = server;
  const { maintenanceIntervalMs } = test;
  if (maintenanceIntervalMs === undefined) return { scrubIntervalMs, staleUploadAgeMs };
  return {
    scrubIntervalMs,
    staleUploadAgeMs,
    lookIntervalMs: maintenanceIntervalMs,
    censusIntervalMs: maintenanceIntervalMs,
    uploadsIntervalMs: maintenanceIntervalMs,
    steadyMs: maintenanceIntervalMs,
    garbageGraceMs: maintenanceIntervalMs,
  };
}

export function bodiesSettings({ etag }: ServerSettings, memoryBytes: number): BodiesSettings {
  return { inFlightBytesMax: Math.floor(memoryBytes * inFlightShare), budgetWaitMsMax, write: { etag } };
}

export function driveSettings({ segmentSizeBytes, heldReadMs }: TestSettings): Partial<DriveSettings> {
  return {
    ...(segmentSizeBytes === undefined ? {} : { segmentSizeBytes }),
    ...(heldReadMs === undefined ? {} : { recentBytesMax: 0 }),
  };
}

export function archiveSettings({ archiveIntervalMs }: TestSettings): Partial<ArchiveSettings> {
  return archiveIntervalMs === undefined ? {} : { archiveIntervalMs };
}

export function journalSettings({ journalFileBytes, checkpointBytesMin }: TestSettings): Partial<JournalSettings> {
  return {
    ...(journalFileBytes === undefined ? {} : { fileSizeBytes: journalFileBytes }),
    ...(checkpointBytesMin === undefined ? {} : { checkpointBytesMin }),
  };
}
