import {
  ClusterFailure,
  DiskError,
  MINUTE_MS,
  SECOND_MS,
  sleep,
  type Clock,
  type Disk,
  type DriveId,
  type Logger,
  type Random,
} from "@kakera/kernel";
import type { CommitLog } from "@kakera/metadata";
import type { DriveBay } from "./drive-bay.ts";
import { writeFormationFile, type FormationFile } from "./formation-file.ts";
import type { LateLog } from "./late-log.ts";
import { noteIncarnations } from "./note-incarnations.ts";
import { journalDirectory } from "./journal-directory.ts";
import { packWitness } from "./open-log.ts";

export interface KeeperComponents {
  readonly bay: DriveBay;
  readonly log: LateLog;
  readonly formation: () => FormationFile;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** While it runs, drives are being replaced or forgotten: nobody else touches them. */
  readonly exclusively: <T>(work: () => Promise<T>) => Promise<T>;
  /** Called after each look at the drives. */
  readonly looked: () => void;
}

const intervalMs = 2 * SECOND_MS;
const witnessIntervalMs = MINUTE_MS;

/**
 * Looks after the drives for as long as the server runs: takes up those that come back, brings the journal's copies up again,
 * and writes down on each drive how far the log has come [F15]. Ends when `signal` is aborted.
 */
export async function keepDrives(components: KeeperComponents, signal: AbortSignal): Promise<void> {
  const { clock, logger, exclusively } = components;
  let witnessedMs = clock.monotonicMs();
  while (!signal.aborted) {
    try {
      await sleep(clock, intervalMs, signal);
    } catch {
      return; // the server ends
    }
    try {
      await exclusively(() => lookOnce(components));
      if (clock.monotonicMs() - witnessedMs >= witnessIntervalMs) {
        witnessedMs = clock.monotonicMs();
        await writeWitnesses(components);
      }
    } catch (error) {
      if (!(error instanceof ClusterFailure || error instanceof DiskError)) throw error;
      logger.log("warn", "drives.keeping-failed", { error });
    }
  }
}

async function lookOnce(components: KeeperComponents): Promise<void> {
  const { bay, formation } = components;
  await bay.poll(formation(), { opened: (driveId, disk) => takeUp(components, driveId, disk) });
  await mendJournal(components);
  components.looked();
  await writeIncarnations(components);
}

/** A drive is back: it learns what the drives are by now, and its journal is refilled. */
async function takeUp(components: KeeperComponents, driveId: DriveId, disk: Disk): Promise<void> {
  const { log, formation, logger } = components;
  await writeFormationFile(disk, formation());
  const isMember = formation().journal.includes(driveId) || (await disk.stat(journalDirectory)) !== null;
  if (isMember) {
    await log.rejoin({ driveId, disk, directory: journalDirectory }).catch((error: unknown) => {
      logger.log("warn", "journal.not-rejoined", { drive: driveId, error });
    });
  }
}

/** The log learns of the incarnations of the drives that are open, as soon as it takes changes. */
export async function writeIncarnations({
  bay,
  log,
  random,
}: Pick<KeeperComponents, "bay" | "random"> & { readonly log: CommitLog }): Promise<void> {
  if (!log.status().canWrite) return;
  const opened = bay.slots
    .map(({ state }) => state)
    .filter((state) => state.kind === "open")
    .map(({ driveId, drive }) => ({ driveId, incarnation: drive.identity.incarnation }));
  const change = noteIncarnations({ view: log.view, random }, opened);
  // Refused when a drive's record changed meanwhile: the next look does it.
  if (change !== null) await log.commit(change);
}

/** A copy of the journal that fell out for a reason that passed is brought up again; one whose write failed never is. */
async function mendJournal({ bay, log, logger }: KeeperComponents): Promise<void> {
  for (const member of log.members()) {
    if (member.condition !== "failed" || isLasting(member.failure)) continue;
    const slot = bay.slots.find(({ state }) => state.kind === "open" && state.driveId === member.driveId);
    if (slot?.state.kind !== "open" || slot.state.drive.status().condition !== "online") continue;
    try {
      await log.rejoin({ driveId: member.driveId, disk: slot.state.disk, directory: journalDirectory });
    } catch (error) {
      logger.log("warn", "journal.not-rejoined", { drive: member.driveId, error });
    }
  }
}

/** After a write or sync that failed, nothing on the device may be believed until it was replaced. */
function isLasting(failure: unknown): boolean {
  const passing: readonly string[] = ["ENOSPC", "EDQUOT", "ENODEV", "ENOENT", "EMFILE", "ENFILE"];
  return failure instanceof DiskError && !passing.includes(failure.code);
}

async function writeWitnesses({ bay, log, logger }: KeeperComponents): Promise<void> {
  const witness = log.current?.witness() ?? null;
  if (witness === null) return;
  const packed = packWitness(witness);
  for (const { place, state } of bay.slots) {
    if (state.kind !== "open" || state.drive.status().condition !== "online") continue;
    await state.drive
      .writeWitness(packed)
      .catch((error: unknown) => logger.log("warn", "drive.witness-failed", { place, error }));
  }
}
