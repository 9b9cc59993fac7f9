import type { DriveId } from "@kakera/kernel";
import type { MappedDrive } from "@kakera/metadata";

/**
 * Which drives carry the archive of the log: `wanted` of those that work, in as many failure domains as there are, those first that carry
 * it already, so that it does not wander. In order of the cluster. Pure.
 */
export function chooseArchiveDrives(
  drives: readonly Pick<MappedDrive, "driveId" | "domain">[],
  of: {
    readonly wanted: number;
    readonly isWorking: (driveId: DriveId) => boolean;
    readonly carrying: ReadonlySet<DriveId>;
  },
): DriveId[] {
  const working = drives.filter(({ driveId }) => of.isWorking(driveId));
  const inOrder = [
    ...working.filter(({ driveId }) => of.carrying.has(driveId)),
    ...working.filter(({ driveId }) => !of.carrying.has(driveId)),
  ];
  const domains = new Set<string>();
  const [firsts, others]: [DriveId[], DriveId[]] = [[], []];
  for (const { driveId, domain } of inOrder) {
    (domains.has(domain) ? others : firsts).push(driveId);
    domains.add(domain);
  }
  return [...firsts, ...others].slice(0, of.wanted);
}
