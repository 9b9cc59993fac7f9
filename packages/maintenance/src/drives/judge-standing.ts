import type { Standing } from "@kakera/metadata";
import type { DriveCondition } from "@kakera/rpc";

export interface StandingRule {
  /** So long a drive must be away before it is declared down, and there before it is taken back. */
  readonly steadyMs: number;
}

/** What is to be said of a drive in the log now; null: nothing. Pure. */
export function judgeStanding(
  drive: {
    readonly standing: Standing;
    readonly condition: DriveCondition;
    readonly sinceMs: number;
    readonly nowMs: number;
  },
  rule: StandingRule,
): "declare-down" | "take-back" | null {
  if (drive.nowMs - drive.sinceMs < rule.steadyMs) return null;
  const isAway = drive.condition === "offline" || drive.condition === "failed";
  if (drive.standing === "MEMBER") return isAway ? "declare-down" : null;
  const isBack = drive.condition === "online" || drive.condition === "full";
  return isBack && (drive.standing === "SUSPECT" || drive.standing === "DOWN") ? "take-back" : null;
}
