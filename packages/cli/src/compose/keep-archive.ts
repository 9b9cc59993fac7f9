import {
  ClusterFailure,
  DiskError,
  SECOND_MS,
  sleep,
  type Clock,
  type Disk,
  type DriveId,
  type Failpoints,
  type Logger,
} from "@kakera/kernel";
import {
  journalMembersWanted,
  nextArchiveEpoch,
  openArchive,
  readClusterMap,
  type Archive,
  type ArchivePlan,
  type ArchiveSettings,
  type ClusterLog,
  type JournalPlace,
} from "@kakera/metadata";
import type { ArchiveReport } from "../admin/status-report.ts";
import type { ShardDrive } from "@kakera/rpc";
import { chooseArchiveDrives } from "../cluster/choose-archive-drives.ts";
import type { FormationFile } from "./formation-file.ts";

export interface ArchiveKeeperParts {
  readonly log: ClusterLog;
  /** All that can be reached. */
  readonly drives: ReadonlyMap<DriveId, ShardDrive>;
  /** Where a drive has its files of the archive, here or on another node; null: it cannot be reached. */
  readonly archiveDisk: (driveId: DriveId) => Disk | null;
  readonly formation: () => FormationFile;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly failpoints: Failpoints;
  readonly settings: Partial<ArchiveSettings>;
}

export const archiveDirectory = ".kakera/archive";
const lookMs = 2 * SECOND_MS;

/** Writes the copy of the cluster's log onto the drives, while this process leads. */
export class ArchiveKeeper {
  readonly #parts: ArchiveKeeperParts;
  #archive: Archive | null = null;

  constructor(parts: ArchiveKeeperParts) {
    this.#parts = parts;
    // What the drives do not have yet is read from etcd by the next leader too.
    parts.log.hold("archive", () => this.#archive?.published?.revision ?? null);
  }

  report(): ArchiveReport | null {
    const archive = this.#archive;
    if (archive === null) return null;
    const published = archive.published;
    const { sequence = 0 } = this.#parts.log.witness() ?? {};
    return {
      publishedRevision: published?.revision ?? 0,
      lagBatches: Math.max(0, sequence - (published?.sequence ?? 0)),
      copies: archive.members().filter(({ condition }) => condition === "whole").length,
    };
  }

  /** One leadership. Rejects with what ends the archive (a newer leader writes it, or it is another log's). */
  async lead(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#parts;
    const archive = await this.#open(signal);
    if (archive === null) return;
    this.#archive = archive;
    const over = new AbortController();
    const ended = AbortSignal.any([signal, over.signal]);
    try {
      const feeding = log.feed(archive, ended).finally(() => over.abort());
      // It may end while drives are looked at, and is awaited below.
      feeding.catch(() => undefined);
      while (!ended.aborted) {
        await this.#takeIn(archive);
        await sleep(clock, lookMs, ended).catch(() => undefined);
      }
      await feeding;
    } finally {
      this.#archive = null;
      await archive.close();
    }
  }

  /** null: told to stop before there was a drive. */
  async #open(signal: AbortSignal): Promise<Archive | null> {
    const { log, clock, logger, failpoints, formation, settings } = this.#parts;
    let places = this.#places();
    while (places.length === 0 && !signal.aborted) {
      await sleep(clock, lookMs, signal).catch(() => undefined);
      places = this.#places();
    }
    if (signal.aborted) return null;
    const { clusterId } = formation();
    const tolerance = this.#tolerance();
    const { logId, restoredFrom } = log.identity;
    const plan: ArchivePlan = {
      logId,
      // Above those of all leaders, also of one whose drives are not among these.
      epoch: await nextArchiveEpoch(this.#places(new Set(), Infinity)),
      places,
      tolerance,
      copiesMin: Math.max(1, tolerance),
      start: "continue",
      settings,
    };
    const components = { clusterId, clock, logger, failpoints };
    try {
      return await openArchive(components, plan);
    } catch (failure) {
      // What the drives hold is of the log that this one was restored from: that was read, and stays as it is.
      if (!(failure instanceof ClusterFailure && failure.kind === "halt") || restoredFrom === null) throw failure;
      return openArchive(components, { ...plan, start: "anew" });
    }
  }

  /** Drives that came back, or take the place of one that does not. */
  async #takeIn(archive: Archive): Promise<void> {
    const { logger } = this.#parts;
    const working = new Set(
      archive
        .members()
        .filter(({ condition }) => condition !== "failed")
        .map(({ driveId }) => driveId),
    );
    for (const place of this.#places(working)) {
      if (working.has(place.driveId)) continue;
      try {
        await archive.rejoin(place);
      } catch (error) {
        if (!(error instanceof ClusterFailure || error instanceof DiskError)) throw error;
        logger.log("warn", "archive.not-rejoined", { drive: place.driveId, error });
      }
    }
  }

  /** Drives that may be lost: m of the pool; before the cluster is formed none. */
  #tolerance(): number {
    return readClusterMap(this.#parts.log.view).writePool()?.geometry.m ?? 0;
  }

  #wanted(): number {
    return journalMembersWanted(this.#tolerance());
  }

  /** So many that m+1 are left when m of them are lost, in failure domains of their own where there are enough. */
  #places(carrying: ReadonlySet<DriveId> = new Set(), wanted = this.#wanted()): JournalPlace[] {
    const { log, drives, archiveDisk } = this.#parts;
    const isWorking = (driveId: DriveId): boolean => drives.get(driveId)?.status().condition === "online";
    const members = readClusterMap(log.view).drives();
    return chooseArchiveDrives(members, { wanted, isWorking, carrying }).flatMap((driveId) => {
      const disk = archiveDisk(driveId);
      return disk === null ? [] : [{ driveId, disk, directory: archiveDirectory }];
    });
  }
}
