import { ClusterFailure, type ClusterId } from "@kakera/kernel";
import type { JournalPlace } from "../journal/journal-folder.ts";
import { openAndScanMember } from "../journal/scan-member.ts";
import { ArchiveMember } from "./archive-member.ts";
import { epochPlace } from "./archive-names.ts";
import type { ArchiveSettings } from "./archive-plan.ts";
import { listEpochs } from "./list-epochs.ts";
import { scanArchive, type ArchiveScan } from "./scan-archive.ts";

export interface MemberContext {
  readonly clusterId: ClusterId;
  readonly epoch: number;
  readonly settings: ArchiveSettings;
  readonly failed: (member: ArchiveMember) => void;
}

/**
 * Makes this leader's folder on a drive, durably, and reads what the drive holds of all leaders. The folder comes first: an
 * older leader that gives files up looks for it before. Throws {@link DeposedFailure} where a newer leader was already.
 */
export async function openArchiveMember(
  root: JournalPlace,
  context: MemberContext,
): Promise<{ readonly member: ArchiveMember; readonly scan: ArchiveScan }> {
  const { clusterId, epoch } = context;
  await checkNotDeposed(root, epoch);
  const own = await openAndScanMember(epochPlace(root, epoch), clusterId);
  await checkNotDeposed(root, epoch);
  for (const older of await listEpochs(root)) {
    // Names that a leader made before it died may not be durable yet.
    await root.disk.syncDirectory(epochPlace(root, older).directory);
  }
  const scan = await scanArchive(root, clusterId);
  return { member: new ArchiveMember(own, { ...context, root }), scan };
}

/** A newer leader writes the archive: this one ends. */
export class DeposedFailure extends ClusterFailure {
  constructor(epoch: number, newer: number) {
    super("retry", `leader ${newer} writes the archive: ${epoch} is over`);
  }
}

export async function checkNotDeposed(root: JournalPlace, epoch: number): Promise<void> {
  const [newest] = await listEpochs(root);
  if (newest !== undefined && newest > epoch) throw new DeposedFailure(epoch, newest);
}
