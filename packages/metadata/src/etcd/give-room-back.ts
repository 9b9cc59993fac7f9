import type { Clock, Logger } from "@kakera/kernel";
import type { EtcdMembers } from "./etcd-members.ts";
import type { EtcdSettings } from "./etcd-settings.ts";
import { hasRoom, usedShare, type MemberStatus } from "./member-status.ts";

interface Parts {
  readonly settings: EtcdSettings;
  readonly members: EtcdMembers;
  readonly clock: Clock;
  readonly logger: Logger;
  /** By id: when a member's file was written anew since something was compacted, in monotonic time. */
  readonly rewritten: Map<string, number>;
}

/** A member writes its file anew meanwhile, and answers nobody: some seconds for each GiB. */
const defragmentMsMax = 120_000;
/** When files come near the quota they are worth writing anew for less. */
const nearQuotaShare = 0.8;
const freeShareNearQuota = 0.1;

/**
 * Writes the file of one member anew where much of it is free, as etcd counts the whole file against the quota; then takes back the alarm
 * of a quota that was reached, once there is room. At most one member at a time, its leader when no other one needs it.
 */
export async function giveRoomBack(parts: Parts, statuses: readonly MemberStatus[]): Promise<void> {
  const { members, clock, logger } = parts;
  // Two that do not answer may be too few left: only when there is no room does that matter less.
  const mayStop = statuses.length === members.count || usedShare(statuses) > nearQuotaShare;
  const chosen = chooseMember(statuses, { settings: parts.settings, mayTry: (memberId) => mayTry(parts, memberId) });
  if (chosen !== undefined && mayStop) {
    const { memberId, sizeBytes, inUseBytes, client } = chosen;
    const startedMs = clock.monotonicMs();
    parts.rewritten.set(memberId, startedMs);
    await client.maintenance.defragment({ deadline: clock.nowMs() + defragmentMsMax });
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    logger.log("info", "etcd.defragmented", { memberId, sizeBytes, inUseBytes, seconds });
  }
  await disarm(parts, statuses);
}

/** The member whose file is worth writing anew now, the leader of etcd last; undefined = none. */
export function chooseMember(
  statuses: readonly MemberStatus[],
  { settings, mayTry }: { settings: FreeRoom; mayTry: (memberId: string) => boolean },
): MemberStatus | undefined {
  const worthy = statuses.filter(
    // bbolt counts pages as free only after later writes, and a member without room takes none: it is tried all the same.
    (status) => isWorthIt(status, settings) || (!hasRoom(status) && mayTry(status.memberId)),
  );
  return worthy.find(({ isLeader }) => !isLeader) ?? worthy[0];
}

/** Once after each compaction, and again after a while: another member deletes what is compacted in its own time. */
function mayTry({ rewritten, clock }: Parts, memberId: string): boolean {
  const lastMs = rewritten.get(memberId);
  return lastMs === undefined || clock.monotonicMs() - lastMs > retryMs;
}

const retryMs = 60_000;

type FreeRoom = Pick<EtcdSettings, "defragmentFreeBytesMin" | "defragmentFreeShareMin">;

function isWorthIt({ sizeBytes, inUseBytes, quotaBytes }: MemberStatus, settings: FreeRoom): boolean {
  const freeBytes = sizeBytes - inUseBytes;
  if (sizeBytes > nearQuotaShare * quotaBytes) return freeBytes > freeShareNearQuota * sizeBytes;
  return freeBytes > settings.defragmentFreeBytesMin && freeBytes > settings.defragmentFreeShareMin * sizeBytes;
}

/** etcd refuses what needs room, deletes too, until somebody takes the alarm back; then it raises it again if there is none. */
async function disarm({ members, clock, logger }: Parts, statuses: readonly MemberStatus[]): Promise<void> {
  const everyoneHasRoom = statuses.length > 0 && statuses.every(hasRoom);
  if (!everyoneHasRoom) return;
  const deadlineMs = clock.monotonicMs() + alarmMsMax;
  const { alarms } = await members.insist("read the alarms", deadlineMs, (client, options) =>
    client.maintenance.alarm({ action: alarmAction.get }, options),
  );
  for (const { memberID, alarm } of alarms) {
    if (alarm !== "Nospace") continue;
    await members.insist("take back an alarm", deadlineMs, (client, options) =>
      client.maintenance.alarm({ action: alarmAction.deactivate, memberID, alarm: noSpace }, options),
    );
    logger.log("info", "etcd.alarm-over", { memberId: memberID });
  }
}

const alarmMsMax = 10_000;
const alarmAction = { get: 0, deactivate: 2 } as const;
const noSpace = 1;
