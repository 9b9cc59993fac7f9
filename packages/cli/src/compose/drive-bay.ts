import {
  ClusterFailure,
  DiskError,
  type Clock,
  type Disk,
  type DriveId,
  type Failpoints,
  type Logger,
  type Meter,
  type Random,
  type ReasonCode,
} from "@kakera/kernel";
import type { ShardDrive } from "@kakera/rpc";
import { openDrive, type Drive, type DriveSettings } from "@kakera/storage-node";
import { CommandFailure } from "../command-failure.ts";
import type { UserFacts } from "../doctor/machine-probe.ts";
import { asPermitted, isDenial } from "./as-permitted.ts";
import type { FolderAccess } from "./folder-access.ts";
import { readFormationFile, type FormationFile } from "./formation-file.ts";
import { journalDirectory } from "./journal-directory.ts";
import { seatDrives } from "./seat-drives.ts";
import { severableDisk, type SeverableDisk } from "./severable-disk.ts";
import { judgeFolder, type FolderVerdict, type FoundFolder } from "./judge-folders.ts";

export interface BayComponents {
  readonly access: FolderAccess;
  /** Who this process is, for those who have to give it rights. */
  readonly user: UserFacts;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly failpoints: Failpoints;
  /** The highest incarnation that the log has seen of a drive; 0: none. */
  readonly knownIncarnation: (driveId: DriveId) => number;
}

/** One folder of the command line, and what is in it now. */
export interface DriveSlot {
  /** 1, 2, ... in order of the command line. */
  readonly position: number;
  readonly place: string;
  readonly state: SlotState;
}

/** `taken`: a drive of ours, locked, and not opened yet: the journal on it is read first. */
export type SlotState =
  | { readonly kind: "taken"; readonly driveId: DriveId; readonly disk: SeverableDisk }
  | { readonly kind: "open"; readonly driveId: DriveId; readonly drive: Drive; readonly disk: SeverableDisk }
  | { readonly kind: "left"; readonly reason: ReasonCode; readonly sentence: string };

/** Told when a drive came back while the server runs. */
export interface BayEvents {
  opened(driveId: DriveId, disk: Disk): Promise<void>;
}

interface MutableSlot {
  readonly position: number;
  readonly place: string;
  state: SlotState;
  lock: { release(): void } | null;
}

const notOpened: SlotState = { kind: "left", reason: "DRIVE_OFFLINE", sentence: "the drive is not opened yet" };

/** The drives of this machine: opens them, notices when one goes, and takes it up again when it comes back. */
export class DriveBay {
  /** Drives that are open, by id: the live map that readers and writers use. */
  readonly drives = new Map<DriveId, ShardDrive>();
  readonly #components: BayComponents;
  readonly #driveSettings: Partial<DriveSettings>;
  readonly #slots: readonly MutableSlot[];

  constructor(
    components: BayComponents,
    settings: { readonly places: readonly string[]; readonly drive: Partial<DriveSettings> },
  ) {
    this.#components = components;
    this.#driveSettings = settings.drive;
    this.#slots = settings.places.map((place, index) => ({ position: index + 1, place, state: notOpened, lock: null }));
  }

  get slots(): readonly DriveSlot[] {
    return this.#slots;
  }

  /** The drive of the formation that belongs to each folder, by the folder's position; null: it cannot be told. */
  seats(formation: FormationFile): Map<number, DriveId | null> {
    const folders = this.#slots.map(({ position, state }) => ({
      position,
      driveId: state.kind === "left" ? null : state.driveId,
    }));
    return seatDrives(formation.drives, folders);
  }

  /** What lies at each folder, having taken those that are there for this process. Throws CommandFailure when one is taken. */
  async find(): Promise<FoundFolder[]> {
    const { access, user } = this.#components;
    const found: FoundFolder[] = [];
    for (const slot of this.#slots) {
      const look = (): Promise<FoundFolder> =>
        asPermitted({ place: slot.place, user, access }, () => findFolder(access, slot.place));
      const before = await look();
      if (before.finding.kind !== "drive" && before.formation === null) found.push(before);
      else {
        await asPermitted({ place: slot.place, user, access }, async () => this.#lock(slot));
        found.push(await look());
      }
    }
    return found;
  }

  /** Takes a folder that is to be formatted for this process. */
  async claim(position: number): Promise<Disk> {
    const slot = this.#slotAt(position);
    const { access, user } = this.#components;
    const disk = access.disk(slot.place);
    await asPermitted({ place: slot.place, user, access }, async () => {
      await access.make(slot.place);
      await disk.makeDirectory(".kakera");
    });
    this.#lock(slot);
    return disk;
  }

  /** Takes what was judged to be drives; the rest is left, with the reason. */
  take(verdicts: readonly FolderVerdict[]): void {
    for (const [index, slot] of this.#slots.entries()) {
      const verdict = verdicts[index] as FolderVerdict;
      if (verdict.kind === "drive") this.#take(slot, verdict.driveId);
      else this.#leave(slot, { kind: "left", reason: verdict.reason, sentence: verdict.sentence });
    }
  }

  /** Opens every drive that was taken. One that cannot be opened is left, with the reason. */
  async open(): Promise<void> {
    const opening = this.#slots.map(async (slot) => {
      if (slot.state.kind === "taken") await this.#openSlot(slot, slot.state);
    });
    await Promise.all(opening);
  }

  /** Looks at every folder once: lets go of drives that went, takes up those that came back. */
  async poll(formation: FormationFile, events: BayEvents): Promise<void> {
    for (const slot of this.#slots) {
      if (slot.state.kind === "open") await this.#checkOpen(slot, slot.state);
      else await this.#tryAgain(slot, formation, events);
    }
  }

  /** Lets go of whatever is at the folder, for good or until another drive takes its place. */
  async abandon(position: number): Promise<void> {
    const slot = this.#slotAt(position);
    if (slot.state.kind === "open") await this.#cutOff(slot, slot.state);
  }

  /** Opens the drive that was just formatted at the folder. Throws ClusterFailure when that cannot be. */
  async openNew(position: number, driveId: DriveId): Promise<Disk> {
    const slot = this.#slotAt(position);
    const taken = this.#take(slot, driveId);
    await this.#openSlot(slot, taken);
    if (slot.state.kind !== "open")
      throw new ClusterFailure("retry", `the new drive at ${slot.place} cannot be opened`);
    return taken.disk;
  }

  /** Ends the work of every drive in good order. */
  async close(): Promise<void> {
    for (const slot of this.#slots) {
      if (slot.state.kind === "open") await this.#end(slot, slot.state);
      slot.lock?.release();
      slot.lock = null;
    }
  }

  #slotAt(position: number): MutableSlot {
    return this.#slots[position - 1] as MutableSlot;
  }

  #lock(slot: MutableSlot): void {
    slot.lock ??= this.#components.access.lock(slot.place);
  }

  #take(slot: MutableSlot, driveId: DriveId): SlotState & { kind: "taken" } {
    this.#lock(slot);
    const taken = {
      kind: "taken",
      driveId,
      disk: severableDisk(this.#components.access.disk(slot.place), driveId),
    } as const;
    slot.state = taken;
    return taken;
  }

  async #openSlot(slot: MutableSlot, { driveId, disk }: SlotState & { kind: "taken" }): Promise<void> {
    const { access, clock, random, logger, meter, failpoints } = this.#components;
    try {
      const mode = await this.#accessMode(slot.place, driveId);
      const index = await access.openIndex(slot.place, driveId);
      const settings = { place: slot.place, access: mode, ...this.#driveSettings };
      const drive = await openDrive({ disk, index, clock, random, logger, meter, failpoints }, settings);
      slot.state = { kind: "open", driveId, drive, disk };
      this.drives.set(driveId, drive);
      logger.log("info", "drive.opened", { drive: driveId, place: slot.place });
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof ClusterFailure)) throw error;
      logger.log("error", "drive.not-opened", { place: slot.place, error });
      const hangs = error instanceof ClusterFailure && error.reason === "DRIVE_SLOW";
      const reason = hangs ? "DRIVE_SLOW" : "DRIVE_FAILED";
      this.#leave(slot, { kind: "left", reason, sentence: `it cannot be opened: ${error.message}` });
    }
  }

  /** An old state of a drive (a backup put back, a copy) is read and takes nothing: what it lacks nobody knows [F24]. */
  async #accessMode(place: string, driveId: DriveId): Promise<"read-write" | "read-only"> {
    const { access, logger, knownIncarnation } = this.#components;
    const finding = await access.inspect(place);
    const known = knownIncarnation(driveId);
    if (finding.kind !== "drive" || finding.identity.incarnation >= known) return "read-write";
    logger.log("error", "drive.rolled-back", {
      place,
      drive: driveId,
      incarnation: finding.identity.incarnation,
      known,
    });
    return "read-only";
  }

  /** A drive watches itself; one that went is cut off from all that still writes to it. */
  async #checkOpen(slot: MutableSlot, state: SlotState & { kind: "open" }): Promise<void> {
    if (state.drive.status().condition !== "offline") return;
    this.#components.logger.log("error", "drive.gone", { drive: state.driveId, place: slot.place });
    await this.#cutOff(slot, state);
    this.#leave(slot, {
      kind: "left",
      reason: "DRIVE_OFFLINE",
      sentence: "the drive went away while the server was running",
    });
  }

  async #tryAgain(slot: MutableSlot, formation: FormationFile, events: BayEvents): Promise<void> {
    const { access } = this.#components;
    let verdict: FolderVerdict;
    try {
      const found = await findFolder(access, slot.place);
      verdict = judgeFolder(found, formation, [found]);
    } catch (error) {
      if (error instanceof DiskError) return; // not ours to use: no better than it was
      throw error;
    }
    if (verdict.kind === "leave")
      return this.#leave(slot, { kind: "left", reason: verdict.reason, sentence: verdict.sentence });
    if (this.drives.has(verdict.driveId)) {
      return this.#leave(slot, {
        kind: "left",
        reason: "DRIVE_FOREIGN",
        sentence: "it is a copy of a drive that is open",
      });
    }
    const taken = this.#takeIfFree(slot, verdict.driveId);
    if (taken === null) return;
    await this.#openSlot(slot, taken);
    const { state } = slot;
    if (state.kind === "open") await events.opened(state.driveId, state.disk);
  }

  #takeIfFree(slot: MutableSlot, driveId: DriveId): (SlotState & { kind: "taken" }) | null {
    try {
      return this.#take(slot, driveId);
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      this.#leave(slot, { kind: "left", reason: "DRIVE_FOREIGN", sentence: error.message });
      return null;
    }
  }

  #leave(slot: MutableSlot, state: SlotState & { kind: "left" }): void {
    if (slot.state.kind !== "left" || slot.state.sentence !== state.sentence) {
      this.#components.logger.log("warn", "drive.left", {
        place: slot.place,
        reason: state.reason,
        why: state.sentence,
      });
    }
    slot.state = state;
  }

  /** Of a drive that went: nothing more is written to it. */
  async #cutOff(slot: MutableSlot, state: SlotState & { kind: "open" }): Promise<void> {
    state.disk.sever();
    await this.#end(slot, state);
  }

  async #end(slot: MutableSlot, state: SlotState & { kind: "open" }): Promise<void> {
    this.drives.delete(state.driveId);
    await state.drive.close().catch((error: unknown) => {
      this.#components.logger.log("warn", "drive.close-failed", { place: slot.place, error });
    });
    slot.lock?.release();
    slot.lock = null;
    slot.state = notOpened;
  }
}

/** A folder that errs or hangs is none that keeps the others from starting; one that is not ours to use is told as such. */
async function findFolder(access: FolderAccess, place: string): Promise<FoundFolder> {
  try {
    const finding = await access.inspect(place);
    if (finding.kind === "no-folder") return { ...nothingAt(place), finding };
    const disk = access.disk(place);
    const hasJournal = (await disk.stat(journalDirectory)) !== null;
    return { place, finding, hasJournal, formation: await readFormationFile(disk), trouble: null };
  } catch (error) {
    if (!(error instanceof DiskError || error instanceof ClusterFailure)) throw error;
    if (error instanceof DiskError && isDenial(error)) throw error;
    return { ...nothingAt(place), trouble: error.message };
  }
}

function nothingAt(place: string): FoundFolder {
  return { place, finding: { kind: "no-folder" }, formation: null, hasJournal: false, trouble: null };
}
