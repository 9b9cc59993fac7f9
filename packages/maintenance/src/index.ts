export {
  createMaintenance,
  type Maintenance,
  type MaintenanceComponents,
  type RepairReport,
} from "./create-maintenance.ts";
export { defaultMaintenanceSettings, type MaintenanceSettings } from "./maintenance-settings.ts";
export type { CensusReport } from "./census/census-report.ts";
export { createMemoryPositions, type ScrubPosition, type ScrubPositions } from "./ports/scrub-positions.ts";
export { listUnproven, type UnprovenBody } from "./orphans/list-unproven.ts";
export type { Sessions } from "./ports/sessions.ts";
export type { Watermarks } from "./ports/watermarks.ts";
