import type { Clock, Logger } from "@kakera/kernel";
import { compact } from "./compact.ts";
import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import type { EtcdSettings } from "./etcd-settings.ts";
import { giveRoomBack } from "./give-room-back.ts";
import { hasRoom, readStatuses } from "./member-status.ts";
import { isShared } from "./sharing.ts";

/**
 * Makes room in an etcd that grants no lease, as it has reached its quota, where no process has a session any more: nobody can lead then,
 * and nobody else would ever do it. Nobody's history is needed, so all of it goes. Does nothing where a session lives, or in an etcd
 * that this store does not compact.
 */
export async function relieveFull(
  parts: { members: EtcdMembers; keys: EtcdKeys; settings: EtcdSettings; clock: Clock; logger: Logger },
  deadlineMs: number,
): Promise<"relieved" | "not relieved"> {
  const { members, keys, settings, clock, logger } = parts;
  if (settings.compaction === "off") return "not relieved";
  if (settings.compaction === "auto" && (await isShared(parts, deadlineMs))) return "not relieved";
  const { from, to } = keys.sessions;
  const sessions = await members.insist("look for sessions", deadlineMs, (client, options) =>
    client.kv.range({ key: from, range_end: to, limit: 1, keys_only: true }, options),
  );
  if (sessions.kvs.length > 0) return "not relieved";
  logger.log("warn", "etcd.full-without-a-leader", { reason: "LOG_SPACE" });
  await compact(parts, Number(sessions.header.revision));
  const rewritten = new Map<string, number>();
  // Each round writes one file anew; the last takes the alarm back.
  for (let round = 0; round <= members.count && clock.monotonicMs() < deadlineMs; round++)
    await giveRoomBack({ ...parts, rewritten }, await readStatuses(members, settings.quotaBytes));
  const statuses = await readStatuses(members, settings.quotaBytes);
  return statuses.length > 0 && statuses.every(hasRoom) ? "relieved" : "not relieved";
}
