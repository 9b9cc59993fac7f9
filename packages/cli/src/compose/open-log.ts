import {
  assert,
  type Clock,
  type DriveId,
  type Failpoints,
  type Logger,
  type Meter,
  type Random,
  type SessionId,
} from "@kakera/kernel";
import {
  journalMembersWanted,
  openJournalLog,
  type JournalLog,
  type JournalPlace,
  type JournalSettings,
  type LogWitness,
  type WritableView,
} from "@kakera/metadata";
import type { DriveIdentity } from "@kakera/storage-node";
import type { DriveBay } from "./drive-bay.ts";
import type { FormationFile } from "./formation-file.ts";
import { journalDirectory } from "./journal-directory.ts";
import type { ServerLog } from "./server-log.ts";

export interface LogComponents {
  readonly bay: DriveBay;
  readonly view: WritableView;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly failpoints: Failpoints;
  readonly session: SessionId;
}

/** Opens the journal on the drives that are there. Rejects with ClusterFailure when they are too few, or do not agree. */
export async function openLog(
  components: LogComponents,
  plan: {
    readonly formation: FormationFile;
    readonly start: "form" | "open";
    readonly witnesses: readonly LogWitness[];
    /** Drives that are given up now. */
    readonly forgotten: readonly DriveId[];
    readonly settings: Partial<JournalSettings>;
  },
): Promise<ServerLog> {
  const { bay, view, clock, random, logger, meter, failpoints, session } = components;
  const { formation } = plan;
  assert(formation.geometry !== null, "the drives of one machine know their geometry");
  const present = bay.slots.map((slot) => slot.state).filter((state) => state.kind !== "left");
  const places: JournalPlace[] = [];
  for (const { driveId, disk } of present) {
    const isMember = formation.journal.includes(driveId) || (await disk.stat(journalDirectory)) !== null;
    if (isMember) places.push({ driveId, disk, directory: journalDirectory });
  }
  const journal = await openJournalLog(
    { clusterId: formation.clusterId, session, view, random, clock, logger, meter, failpoints },
    {
      drives: formation.drives.filter((driveId) => driveId !== null),
      presentDrives: present.map(({ driveId }) => driveId),
      places,
      tolerance: formation.geometry.m,
      start: plan.start,
      witnesses: plan.witnesses,
      forget: plan.forgotten,
      settings: plan.settings,
    },
  );
  return asServerLog(journal, journalMembersWanted(formation.geometry.m));
}

function asServerLog(journal: JournalLog, membersWanted: number): ServerLog {
  return Object.assign(journal, { journalMembersWanted: membersWanted, shared: null, cluster: null });
}

const idBytes = 16;

/** The log's word for its position, as an identity file keeps it: the log's id, then the checksum. */
export function packWitness({ logId, term, sequence, checksum }: LogWitness): NonNullable<DriveIdentity["witness"]> {
  return { term, sequence, checksum: Buffer.concat([Buffer.from(logId, "hex"), Buffer.from(checksum, "hex")]) };
}

export function witnessOf(identity: DriveIdentity): LogWitness | null {
  if (identity.witness === null) return null;
  const { term, sequence, checksum } = identity.witness;
  const bytes = Buffer.from(checksum);
  return { logId: bytes.toString("hex", 0, idBytes), term, sequence, checksum: bytes.toString("hex", idBytes) };
}
