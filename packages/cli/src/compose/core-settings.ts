import type { ViewReaders } from "@kakera/metadata";
import type { NodeReports } from "@kakera/rpc";
import type { ActivityRing } from "../admin/activity-ring.ts";
import type { TracePort } from "../admin/trace-calls.ts";
import type { ServerSettings } from "../config/resolve-settings.ts";
import type { TestSettings } from "../config/test-settings.ts";
import type { DriveBay } from "./drive-bay.ts";
import type { Service } from "./open-service.ts";
import type { PreparedDrives } from "./prepare-drives.ts";
import type { RootKey } from "./root-key.ts";

export interface CoreSettings {
  readonly server: ServerSettings;
  readonly test: TestSettings;
  readonly bay: DriveBay;
  readonly prepared: PreparedDrives;
  readonly rootKey: RootKey;
  readonly activity: ActivityRing;
  /** Requests for those who watch them. */
  readonly trace: TracePort;
  /** What this node tells others of itself. */
  readonly reports: NodeReports;
}

/** What other processes of this server take part in. */
export interface Shareable extends Pick<Service, "marks" | "repairQueue"> {
  /** The view lies in it. */
  readonly stateDirectory: string;
  readonly readers: ViewReaders | null;
}
