import type { ClusterId, Failpoints, Logger, Random } from "@kakera/kernel";
import type { LogWitness } from "@kakera/metadata";
import { CommandFailure } from "../command-failure.ts";
import type { GeometryWish } from "../config/parse-values.ts";
import { exitCodes } from "../exit-codes.ts";
import type { DriveBay } from "./drive-bay.ts";
import type { FolderAccess } from "./folder-access.ts";
import { formDrives } from "./form-drives.ts";
import type { FormationFile } from "./formation-file.ts";
import { judgeFolders, type FolderVerdict } from "./judge-folders.ts";
import type { MeetingDrives } from "./meet-cluster.ts";
import { witnessOf } from "./open-log.ts";

export interface PreparedDrives {
  readonly formation: FormationFile;
  /** `form`: the journal may begin; nothing was ever acknowledged on these drives. */
  readonly start: "form" | "open";
  /** What the drives remember of the log. */
  readonly witnesses: readonly LogWitness[];
  /** Several drives lie on one device. */
  readonly isSameDevice: boolean;
}

/** Judges the folders of the command line together, forms them when they are new, and takes the drives. Throws CommandFailure. */
export async function prepareDrives(
  components: {
    readonly access: FolderAccess;
    readonly bay: DriveBay;
    readonly random: Random;
    readonly logger: Logger;
    readonly failpoints: Failpoints;
  },
  wish: GeometryWish | null,
  /** Asked before anything is written to new drives, or taken of known ones; null: one machine. */
  meet: ((drives: MeetingDrives) => Promise<ClusterId>) | null,
): Promise<PreparedDrives> {
  const { access, bay, logger } = components;
  const found = await bay.find();
  const verdict = judgeFolders(found);
  const known = verdict.kind === "form" ? verdict.begun : verdict.formation;
  if (known !== null) checkKind(known, meet === null ? "machine" : "cluster");
  const firstPlace = bay.slots[0]?.place ?? "DIR";
  const meeting = { clusterId: known?.clusterId ?? null, isFresh: verdict.kind === "form", firstPlace };
  const joined = meet === null ? null : await meet(meeting);
  const formation =
    verdict.kind === "form"
      ? await formDrives(components, { geometry: wish, begun: verdict.begun, joined })
      : verdict.formation;
  if (verdict.kind === "open" && wish !== null) {
    logger.log("info", "geometry.kept", { why: "the geometry of a cluster is chosen at its formation" });
  }
  bay.take(verdict.kind === "form" ? formation.drives.map(asDrive) : verdict.folders);
  const identities = found.map(({ finding }) => (finding.kind === "drive" ? finding.identity : null));
  const witnesses = identities
    .filter((identity) => identity !== null && identity.clusterId === formation.clusterId)
    .map((identity) => (identity === null ? null : witnessOf(identity)))
    .filter((witness) => witness !== null);
  const isSameDevice = await shareDevice(access, bay);
  return { formation, start: verdict.kind === "form" ? "form" : "open", witnesses, isSameDevice };
}

/** A machine's drives carry a journal, a cluster's do not: one is never taken for the other. */
function checkKind({ journal, clusterId }: FormationFile, wanted: "machine" | "cluster"): void {
  const kind = journal.length === 0 ? "cluster" : "machine";
  if (kind === wanted) return;
  const [sentence, remedy] =
    kind === "cluster"
      ? [`the drives belong to cluster ${clusterId}, whose metadata is in etcd`, "--etcd URL"]
      : [`the drives carry the metadata of one machine (${clusterId}), and not of a cluster`, "leave --etcd away"];
  throw new CommandFailure("DRIVE_FOREIGN", sentence, { exitCode: exitCodes.refused, remedy });
}

function asDrive(driveId: FormationFile["drives"][number]): FolderVerdict {
  if (driveId !== null) return { kind: "drive", driveId };
  return { kind: "leave", reason: "DRIVE_NOT_MOUNTED", sentence: "no drive belongs here" };
}

async function shareDevice(access: FolderAccess, bay: DriveBay): Promise<boolean> {
  const devices = await Promise.all(
    bay.slots.filter(({ state }) => state.kind !== "left").map(({ place }) => access.deviceOf(place)),
  );
  return new Set(devices).size < devices.length;
}
