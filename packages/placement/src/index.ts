export { chunkGroup, groupsOf, type GroupNumbers } from "./chunk-group.ts";
export { chooseHomes, type DriveWeight } from "./choose-homes.ts";
export { countDomains, domainLevel, domainsOf, type DomainLevel, type LocatedDrive } from "./domain-level.ts";
export { planTable, type Homes, type PlacementTable, type TablePlan } from "./plan-table.ts";
export { diffTables, type PlacementStep, type ShardMove } from "./diff-tables.ts";
export { summarizeSteps, type DriveTraffic, type StepsSummary } from "./summarize-steps.ts";
export { toleranceInWords, toleranceOf, type Tolerance } from "./tolerance.ts";
