import { resolve } from "node:path";
import {
  ClusterFailure,
  DiskError,
  newId,
  type Clock,
  type DriveId,
  type Failpoints,
  type Logger,
  type Random,
} from "@kakera/kernel";
import type { NodeRecord } from "@kakera/metadata";
import { formatDrive, type PlaceFinding } from "@kakera/storage-node";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes } from "../exit-codes.ts";
import type { DriveBay, DriveSlot } from "./drive-bay.ts";
import type { FolderAccess } from "./folder-access.ts";
import { readFormationFile, writeFormationFile, type FormationFile } from "./formation-file.ts";
import type { LateLog } from "./late-log.ts";
import { journalDirectory } from "./journal-directory.ts";
import { planDriveChange, type DriveChange } from "./plan-drive-change.ts";

export interface DriveChangeComponents {
  readonly access: FolderAccess;
  readonly bay: DriveBay;
  readonly log: LateLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly failpoints: Failpoints;
  readonly workingDirectory: string;
  /** The names of the failure domains that this node is in; null: one machine. */
  readonly located: { readonly host: string; readonly rack: string | null; readonly zone: string | null } | null;
  /** Nodes that live, read anew; null: one machine. */
  readonly nodes: () => Promise<Iterable<NodeRecord> | null>;
  readonly formation: () => FormationFile;
  readonly setFormation: (formation: FormationFile) => void;
  /** Opens the journal over the drives of the present formation, having given `forgotten` up for good. */
  readonly reopenLog: (forgotten: readonly DriveId[]) => Promise<void>;
  /** Gives a new drive what every drive keeps beside its data. */
  readonly equip: (place: string) => Promise<void>;
}

/** Nobody else changes a group or a drive so often that a plan fails so many times in a row. */
const refusalsMax = 100;

/**
 * `kakera drive replace DIR`: formats the empty folder and gives it the work of the drive that was there. In this order, so
 * that a crash at any moment leaves what can be done again: the new drive gets a whole journal, the log learns of the
 * change, the drives' formation files do, and only then is the old drive given up. What the new one should hold is
 * rebuilt by maintenance: its groups say that it is behind.
 */
export async function replaceDrive(components: DriveChangeComponents, directory: string): Promise<DriveId> {
  const { bay, log, logger, failpoints } = components;
  const place = resolve(components.workingDirectory, directory);
  const slot = bay.slots.find((each) => each.place === place);
  if (slot === undefined) throw refused(`${place} is none of this server's drive folders`, "kakera drive ls");
  const formation = components.formation();
  const { leaving, seat } = seatToFill(bay, formation, slot);
  const driveId = await formatInPlace(components, slot);
  const disk = await bay.openNew(slot.position, driveId);
  try {
    failpoints.hit("replace-drive.before-journal");
    const journalWanted = log.current?.journalMembersWanted ?? 0;
    const isJournalShort = formation.journal.filter((id) => id !== leaving).length < journalWanted;
    if (isJournalShort) await log.rejoin({ driveId, disk, directory: journalDirectory });
    failpoints.hit("replace-drive.before-records");
    const { totalBytes } = await disk.space();
    const located = components.located === null ? {} : { located: components.located };
    const coming = { driveId, weightBytes: Math.max(1, totalBytes), position: seat + 1, ...located };
    await commitDriveChange(components, { leaving, coming });
    await components.equip(place);
    failpoints.hit("replace-drive.before-formation");
    await writeFormation(components, {
      ...formation,
      epoch: formation.epoch + 1,
      drives: formation.drives.map((id, index) => (index === seat ? driveId : id)),
      journal: [...formation.journal.filter((id) => id !== leaving), ...(isJournalShort ? [driveId] : [])],
    });
  } catch (error) {
    await bay.abandon(slot.position);
    throw error;
  }
  failpoints.hit("replace-drive.before-reopen");
  await components.reopenLog(leaving === null ? [] : [leaving]);
  logger.log("warn", "drive.replaced", { place, drive: driveId, instead: leaving });
  return driveId;
}

/**
 * `kakera drive forget ID` of a drive of this machine: it never counts again; where other drives are free, they take its work. When so many are
 * lost that the log cannot write the word down before another is given up too, it is kept in mind, and done with that one's.
 */
export async function forgetOwnDrive(components: DriveChangeComponents, driveId: DriveId): Promise<void> {
  const { bay, log } = components;
  const slot = slotOf(bay, driveId);
  if (slot !== undefined && isWorking(slot))
    throw refused(`drive ${driveId} is there and works: it is not lost`, "kakera drive ls");
  await log.forget(driveId);
  if (!log.status().canWrite) throw notYetForgotten(components, driveId);
  for (const given of log.forgotten()) await giveUpForGood(components, given);
}

async function giveUpForGood(components: DriveChangeComponents, driveId: DriveId): Promise<void> {
  const { bay, logger } = components;
  const formation = components.formation();
  if (!formation.drives.includes(driveId)) return;
  await commitDriveChange(components, { leaving: driveId, coming: null });
  await writeFormation(components, {
    ...formation,
    epoch: formation.epoch + 1,
    drives: formation.drives.map((id) => (id === driveId ? null : id)),
    journal: formation.journal.filter((id) => id !== driveId),
  });
  const slot = slotOf(bay, driveId);
  if (slot !== undefined) await bay.abandon(slot.position);
  logger.log("warn", "drive.forgotten", { drive: driveId });
}

/** The log has the word in mind only: it takes changes when another lost drive is given up too, or one comes back. */
function notYetForgotten({ bay, log, formation }: DriveChangeComponents, driveId: DriveId): CommandFailure {
  const { membersNeeded, membersReachable } = log.status();
  const others = formation().drives.filter((id): id is DriveId => {
    if (id === null || log.forgotten().includes(id)) return false;
    const slot = slotOf(bay, id);
    return slot === undefined || !isWorking(slot);
  });
  const copies = `a change needs ${membersNeeded} copies of the journal and ${membersReachable} can be reached`;
  const bringBack = "bring a missing drive back";
  return new CommandFailure("LOG_UNREACHABLE", `drive ${driveId} will be forgotten with the next change: ${copies}`, {
    exitCode: exitCodes.unreachable,
    remedy:
      others.length === 0 ? bringBack : `${bringBack}; if it is lost too: kakera drive forget ${others.join(" or ")}`,
  });
}

function slotOf(bay: DriveBay, driveId: DriveId): DriveSlot | undefined {
  return bay.slots.find(({ state }) => state.kind !== "left" && state.driveId === driveId);
}

/** Which place among the drives the new one takes, and whose work it gets; null: the place is empty since its drive was forgotten. */
function seatToFill(
  bay: DriveBay,
  formation: FormationFile,
  slot: DriveSlot,
): { leaving: DriveId | null; seat: number } {
  const leaving = bay.seats(formation).get(slot.position) ?? null;
  const seat = formation.drives.indexOf(leaving);
  if (seat !== -1) return { leaving, seat };
  throw refused(
    `which drive ${slot.place} is to replace cannot be told`,
    "kakera drive ls, then kakera drive forget ID of the lost one, then this again",
  );
}

/** Formats the folder, or goes on with a drive that an earlier attempt formatted and that never came to be one of ours. */
export async function formatInPlace(components: DriveChangeComponents, slot: DriveSlot): Promise<DriveId> {
  const { access, bay, random } = components;
  const { clusterId, drives } = components.formation();
  if (isWorking(slot)) throw refused(`the drive at ${slot.place} is there and works`, "kakera drive ls");
  const isBegun = async (finding: PlaceFinding): Promise<boolean> =>
    finding.kind === "drive" &&
    finding.identity.clusterId === clusterId &&
    !drives.includes(finding.identity.driveId) &&
    // Every drive that ever was one of ours has it.
    (await readFormationFile(access.disk(slot.place))) === null;
  const before = await access.inspect(slot.place);
  if (before.kind !== "no-folder" && before.kind !== "empty" && !(await isBegun(before))) {
    throw refused(`${slot.place} is not empty: what it holds would be lost`, "empty it, or mount the new device there");
  }
  await bay.abandon(slot.position);
  const disk = await bay.claim(slot.position);
  // Looked at again now that the folder is ours.
  const finding = await access.inspect(slot.place);
  if (finding.kind === "drive" && (await isBegun(finding))) return finding.identity.driveId;
  if (finding.kind !== "empty") throw refused(`${slot.place} is not empty any more`, "empty it");
  const driveId = newId("drive", random);
  await formatDrive(disk, { clusterId, driveId, deviceRelation: finding.deviceRelation }, components.failpoints);
  return driveId;
}

function isWorking({ state }: DriveSlot): boolean {
  if (state.kind !== "open") return false;
  const { condition } = state.drive.status();
  return condition === "online" || condition === "full";
}

export async function commitDriveChange(
  { log, random, clock }: DriveChangeComponents,
  drives: DriveChange,
): Promise<void> {
  for (let refusals = 0; refusals < refusalsMax;) {
    const change = planDriveChange({ view: log.view, random, nowMs: clock.nowMs() }, drives);
    if (change === null) return;
    const result = await log.commit(change);
    if (result.outcome === "refused") refusals++;
  }
  throw new ClusterFailure("retry", "the drives' records are changed too often");
}

/** On every drive that is there: on so many that no later start can miss it. One that fails is none of them, and gets it when it is back. */
export async function writeFormation(components: DriveChangeComponents, formation: FormationFile): Promise<void> {
  const open = components.bay.slots.map(({ state }) => state).filter((state) => state.kind === "open");
  let copies = 0;
  for (const { driveId, disk } of open) {
    try {
      await writeFormationFile(disk, formation);
      copies++;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      components.logger.log("warn", "formation.not-written", { drive: driveId, error });
    }
  }
  if (copies < Math.min((formation.geometry?.m ?? 0) + 1, open.length)) {
    throw new ClusterFailure("retry", `the drives' new list is on ${copies} of ${open.length} drives only`);
  }
  components.setFormation(formation);
}

export function refused(sentence: string, remedy: string): CommandFailure {
  return new CommandFailure("REFUSED", sentence, { exitCode: exitCodes.refused, remedy });
}
