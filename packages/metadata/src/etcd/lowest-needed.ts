import type { EtcdKeys } from "./etcd-keys.ts";
import type { EtcdMembers } from "./etcd-members.ts";
import { neededBy } from "./position-report.ts";
import { readSessions } from "./read-sessions.ts";

/**
 * The revision from which on some live process needs etcd's history. null = not every live session has said what it needs: no silence is
 * taken for consent. A process without a session is not asked: its view is read anew if it needs more (correctness.md F1).
 */
export async function lowestNeeded(
  parts: { members: EtcdMembers; keys: EtcdKeys },
  deadlineMs: number,
): Promise<number | null> {
  const sessions = await readSessions(parts, deadlineMs);
  if (sessions === null) return null;
  const needed = [...sessions.values()].map(({ report }) => (report === null ? null : neededBy(report)));
  return needed.length === 0 || needed.includes(null) ? null : Math.min(...(needed as number[]));
}
