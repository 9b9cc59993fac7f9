import { SECOND_MS } from "@kakera/kernel";

export interface NodeClientSettings {
  /** To one node. */
  readonly connectionsMax: number;
  /** Calls that wait for a connection; more are refused (retry). */
  readonly waitingCallsMax: number;
  readonly connectDeadlineMs: number;
  /** Of calls that change nothing; from their asking, the wait for a connection included. */
  readonly readDeadlineMs: number;
  /** Of calls that wait for a sync: shorter than a gateway's patience with a whole chunk. */
  readonly writeDeadlineMs: number;
  /** Idle connections are closed before the node closes them. */
  readonly idleMsMax: number;
  readonly statusIntervalMs: number;
  /** A node that does not tell its status in so long is taken for down. */
  readonly statusDeadlineMs: number;
}

export const defaultNodeClientSettings: NodeClientSettings = {
  connectionsMax: 64,
  waitingCallsMax: 4096,
  connectDeadlineMs: 2 * SECOND_MS,
  readDeadlineMs: 10 * SECOND_MS,
  writeDeadlineMs: 20 * SECOND_MS,
  idleMsMax: 30 * SECOND_MS,
  statusIntervalMs: 2 * SECOND_MS,
  statusDeadlineMs: 5 * SECOND_MS,
};
