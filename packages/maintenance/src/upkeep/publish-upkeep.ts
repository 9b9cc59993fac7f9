import { newId } from "@kakera/kernel";
import { keys } from "@kakera/metadata";
import type { MaintenanceParts } from "../maintenance-parts.ts";
import { encodeUpkeepReport, isNews, readUpkeepReport, type UpkeepReport } from "./upkeep-report.ts";

/** Writes down what maintenance knows, if that is news. One that loses against another leader's is written by the next turn. */
export async function publishUpkeep(parts: MaintenanceParts, report: UpkeepReport): Promise<void> {
  const { log, clock } = parts;
  const key = keys.upkeepReport();
  if (!log.status().canWrite || !isNews(report, readUpkeepReport(log.view))) return;
  const revision = log.view.get(key)?.revision ?? 0;
  await log.commit({
    id: newId("change", parts.random),
    purpose: "free",
    compares: [{ key, revision }],
    puts: [{ key, value: encodeUpkeepReport({ ...report, reportedMs: clock.nowMs() }) }],
    deletes: [],
  });
}
