import type { ClusterId, SessionId } from "@kakera/kernel";
import type { AdminRequest, EndedRequest, Health, WriteNumbers } from "@kakera/gateway";
import type { LogStatus } from "@kakera/metadata";
import type { DriveStatus } from "@kakera/rpc";
import type { Credentials } from "../config/credentials.ts";
import type { ServerSettings } from "../config/resolve-settings.ts";
import type { TestSettings } from "../config/test-settings.ts";
import type { WorkMarks } from "./process-marks.ts";

// What the processes of a server tell and ask each other over their ControlLink, by name. The first process, the owner, has drives,
// log and view; the others, its siblings, serve S3 beside it.

/** "begin", asked by the owner: answered with nothing when the sibling takes connections. */
export interface Beginning {
  readonly index: number;
  readonly processCount: number;
  readonly server: ServerSettings;
  readonly test: TestSettings;
  readonly credentials: Credentials;
  readonly clusterId: ClusterId;
  readonly viewDirectory: string;
  /** Where the owner's drives are reached. */
  readonly shards: { readonly socketPath: string; readonly secret: string };
  /** null: no bound. */
  readonly operationsPerChangeMax: number | null;
  /** In whose name this sibling leaves marks. */
  readonly markSession: SessionId;
  readonly numbers: WriteNumbers;
  readonly pulse: Pulse;
}

/** "pulse", asked by the owner again and again: answered with a WorkReport. */
export interface Pulse {
  readonly session: SessionId;
  readonly log: LogStatus;
  readonly health: Health;
  /** All drives in reach. */
  readonly drives: readonly DriveStatus[];
  readonly marks: WorkMarks;
  /** Somebody watches requests: see "requests". Absent = no. */
  readonly isWatched?: boolean;
  /** For writes that begin from now on. null: as before. */
  readonly numbers: WriteNumbers | null;
}

/** "admin", asked by a sibling: answered with an AdminResponse. */
export interface ForwardedAdmin extends Omit<AdminRequest, "query"> {
  readonly query: readonly (readonly [string, string])[];
}

/** "requests", told by a sibling while the owner's pulse says that somebody watches them. */
export interface ToldRequests {
  readonly requests: readonly EndedRequest[];
  /** More came than may wait for one message. */
  readonly droppedCount: number;
}

/** "reload", told by the owner at a SIGHUP. */
export interface Reload {
  readonly logLevel: ServerSettings["logLevel"];
}

/** "drain", asked by the owner: answered with the number of requests that were cut off. */
export interface Drain {
  readonly timeoutMs: number;
}

// Asked by a sibling: "metrics" (text of all processes), "metrics-of-others" (texts of the other nodes), "is-session-live". Asked by the owner: "measured" (MetricRecord[]).
// Told by a sibling: "finding" (ShardFinding).
