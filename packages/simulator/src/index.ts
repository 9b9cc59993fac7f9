export { Ledger, type Intent } from "./power-cut/ledger.ts";
export {
  runPowerCuts,
  type PowerCutReport,
  type PowerCutRun,
  type PowerCutScenario,
} from "./power-cut/run-power-cuts.ts";
export { mortalDisks, type MortalDisks } from "./power-cut/mortal-disks.ts";
