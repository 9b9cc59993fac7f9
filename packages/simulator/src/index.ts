export { checkHistory, type CheckOptions, type Verdict } from "./linearizability/check-history.ts";
export type {
  ClientOperation,
  DeleteOperation,
  ListOperation,
  PutOperation,
  ReadOperation,
} from "./linearizability/history.ts";
export { measureHistory, type HistoryMeasures } from "./linearizability/measure-history.ts";
export { Ledger, type Intent } from "./power-cut/ledger.ts";
export {
  runPowerCuts,
  type PowerCutReport,
  type PowerCutRun,
  type PowerCutScenario,
} from "./power-cut/run-power-cuts.ts";
export { mortalDisks, type MortalDisks } from "./power-cut/mortal-disks.ts";
export { startPumpedClock, type PumpedClock } from "./pumped-clock.ts";
export { formStore } from "./store/form-store.ts";
export { openStore, type StoreComponents } from "./store/open-store.ts";
export { hasCertainlyNotHappened, type Store } from "./store/store.ts";
export {
  createStoreMemory,
  hastyMaintenance,
  smallStore,
  type StoreFormation,
  type StoreMemory,
  type StoreSettings,
} from "./store/store-settings.ts";
export { runHistory, type HistoryReport, type HistorySettings } from "./cluster/run-history.ts";
export { describeHistory } from "./cluster/describe-history.ts";
export { plantedBugNames, type PlantedBug } from "./cluster/planted-bugs.ts";
export { faultNames, type FaultName } from "./world/fault-names.ts";
