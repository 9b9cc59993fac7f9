import {
  newId,
  noFailpoints,
  silentLogger,
  silentMeter,
  type Clock,
  type Disk,
  type DriveId,
  type Random,
} from "@kakera/kernel";
import { createMemoryView, openJournalLog, type JournalLog } from "@kakera/metadata";
import type { StoreFormation, StoreSettings } from "./store-settings.ts";

export interface StoreLogComponents {
  /** In order of the formation; null: the drive is absent. */
  readonly disks: readonly (Disk | null)[];
  readonly formation: StoreFormation;
  readonly random: Random;
  readonly clock: Clock;
}

/** The journal of the store, with its view in memory. `form`: it begins. */
export function openStoreLog(
  components: StoreLogComponents,
  settings: StoreSettings & { readonly start: "form" | "open" },
): Promise<JournalLog> {
  const { formation, random, clock } = components;
  const present = presentDrives(components);
  return openJournalLog(
    {
      clusterId: formation.clusterId,
      session: newId("session", random),
      view: createMemoryView(),
      random,
      clock,
      logger: silentLogger,
      meter: silentMeter,
      failpoints: noFailpoints,
    },
    {
      drives: formation.drives,
      presentDrives: present.map(({ driveId }) => driveId),
      places: present
        .filter(({ driveId }) => formation.journal.includes(driveId))
        .map((place) => ({ ...place, directory: ".kakera/journal" })),
      tolerance: settings.geometry.m,
      start: settings.start,
      settings: settings.journal,
    },
  );
}

export function presentDrives({ disks, formation }: StoreLogComponents): { driveId: DriveId; disk: Disk }[] {
  return formation.drives.flatMap((driveId, index) => {
    const disk = disks[index];
    return disk == null ? [] : [{ driveId, disk }];
  });
}
