import type { Clock, ClusterId, DriveId, Failpoints, Logger, Meter, Random, SessionId } from "@kakera/kernel";
import type { WritableView } from "../ports/view.ts";
import type { JournalPlace } from "./journal-folder.ts";
import type { LogWitness } from "./recovery-decision.ts";
import type { JournalSettings } from "./settings.ts";

export interface JournalComponents {
  readonly clusterId: ClusterId;
  readonly session: SessionId;
  readonly view: WritableView;
  readonly random: Random;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly failpoints: Failpoints;
}

export interface JournalPlan {
  /** Every drive of the cluster, present or not. */
  readonly drives: readonly DriveId[];
  /** Those that are here, whether they hold a journal or not. */
  readonly presentDrives: readonly DriveId[];
  /** The drives that hold the journal, of those present: every one that has a journal folder, and those that shall have one. */
  readonly places: readonly JournalPlace[];
  /** Drives that may be lost: m. */
  readonly tolerance: number;
  /** `form`: where there is no journal at all, begin one. `open`: there must be one. */
  readonly start: "form" | "open";
  /** What the present drives' identity files remember. */
  readonly witnesses?: readonly LogWitness[];
  /** Drives that the operator gave up, as of now: they never count again. */
  readonly forget?: readonly DriveId[];
  readonly settings?: Partial<JournalSettings>;
}
