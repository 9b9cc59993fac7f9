import { MIB, SECOND_MS } from "@kakera/kernel";
import type { Peers } from "../metrics.ts";

export interface NodeServerSettings {
  /** Of calls that are being received or answered, together; more wait, and their senders' sockets with them. */
  readonly receivedBytesMax: number;
  /** Of shards and files that are being read and sent. */
  readonly sentBytesMax: number;
  /** Calls that wait for that memory; more are refused (retry). */
  readonly waitingCallsMax: number;
  /** A call that is not there so long after it began is given up with its connection. */
  readonly receiveDeadlineMs: number;
  /** An answer that its receiver does not take is given up with its connection. */
  readonly sendDeadlineMs: number;
  /** Shards in pieces at one time. */
  readonly streamsMax: number;
  /** One that no call came for in so long is given up: longer than a gateway waits for its other shards. */
  readonly streamIdleMsMax: number;
  /** Files of the archive open at one time. */
  readonly filesMax: number;
  /** A process that no connection is left of for so long is gone, and what it held is given up. */
  readonly peerGraceMs: number;
  /** A process that was silent for so long is gone: it asks for the node's status every few seconds. */
  readonly peerSilentMsMax: number;
  /** Who calls. */
  readonly peers: Peers;
}

export const defaultNodeServerSettings: NodeServerSettings = {
  receivedBytesMax: 64 * MIB,
  sentBytesMax: 64 * MIB,
  waitingCallsMax: 1024,
  receiveDeadlineMs: 30 * SECOND_MS,
  sendDeadlineMs: 30 * SECOND_MS,
  streamsMax: 256,
  streamIdleMsMax: 60 * SECOND_MS,
  filesMax: 256,
  peerGraceMs: 2 * SECOND_MS,
  peerSilentMsMax: 30 * SECOND_MS,
  peers: "nodes",
};
