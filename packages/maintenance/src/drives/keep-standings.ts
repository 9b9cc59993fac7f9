import { newId, type DriveId } from "@kakera/kernel";
import { declareDrive } from "@kakera/metadata";
import type { DriveCondition } from "@kakera/rpc";
import { takingDrive, type MaintenanceParts } from "../maintenance-parts.ts";
import { judgeStanding, type StandingRule } from "./judge-standing.ts";
import { takeBack } from "./take-back.ts";

/** Follows the drives' conditions and says in the log what has been so for a while. */
export class StandingKeeper {
  readonly #rule: StandingRule;
  readonly #seen = new Map<DriveId, { readonly condition: DriveCondition; readonly sinceMs: number }>();
  #taking: ReadonlySet<DriveId> = new Set();

  constructor(rule: StandingRule) {
    this.#rule = rule;
  }

  /**
   * One look at every drive. Returns those that can be given shards now and could not when the last look ended: taken back,
   * new, or away for too short a time to be declared.
   */
  async look(parts: MaintenanceParts): Promise<DriveId[]> {
    for (const { driveId, standing } of parts.map.drives()) {
      const nowMs = parts.clock.monotonicMs();
      const condition = parts.drives.get(driveId)?.status().condition ?? "offline";
      const verdict = judgeStanding(
        { standing, condition, nowMs, sinceMs: this.#since(driveId, condition, nowMs) },
        this.#rule,
      );
      if (verdict === "declare-down") await declareDown(parts, driveId);
      if (verdict === "take-back") await takeBack(parts, driveId);
    }
    const before = this.#taking;
    const taking = parts.map.drives().filter(({ driveId }) => takingDrive(parts, driveId) !== null);
    this.#taking = new Set(taking.map(({ driveId }) => driveId));
    return [...this.#taking].filter((driveId) => !before.has(driveId));
  }

  #since(driveId: DriveId, condition: DriveCondition, nowMs: number): number {
    const seen = this.#seen.get(driveId);
    if (seen?.condition === condition) return seen.sinceMs;
    this.#seen.set(driveId, { condition, sinceMs: nowMs });
    return nowMs;
  }
}

async function declareDown(parts: MaintenanceParts, driveId: DriveId): Promise<void> {
  const declaration = {
    standing: "DOWN",
    nowMs: parts.clock.nowMs(),
    changeId: newId("change", parts.random),
  } as const;
  const change = declareDrive(parts.log.view, driveId, declaration);
  if (change === null) return;
  const result = await parts.log.commit(change);
  if (result.outcome === "committed") parts.logger.log("warn", "drive.declared", { driveId, standing: "DOWN" });
}
