import type { Failpoints, Logger, Random } from "@kakera/kernel";
import type { LogWitness } from "@kakera/metadata";
import type { GeometryWish } from "../config/parse-values.ts";
import type { DriveBay } from "./drive-bay.ts";
import type { FolderAccess } from "./folder-access.ts";
import { formDrives } from "./form-drives.ts";
import type { FormationFile } from "./formation-file.ts";
import { judgeFolders, type FolderVerdict } from "./judge-folders.ts";
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
): Promise<PreparedDrives> {
  const { access, bay, logger } = components;
  const found = await bay.find();
  const verdict = judgeFolders(found);
  const formation =
    verdict.kind === "form"
      ? await formDrives(components, { geometry: wish, begun: verdict.begun })
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
