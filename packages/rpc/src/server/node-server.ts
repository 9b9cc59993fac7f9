import type { Clock, ClusterId, Disk, DiskFile, DriveId, Logger, Meter, Random, Timer } from "@kakera/kernel";
import type { CallTracer } from "../call-tracer.ts";
import { createServerMetrics } from "../metrics.ts";
import type { NodeReports } from "../node-reports.ts";
import type { ShardDrive, ShardStream } from "../shard-drive.ts";
import { deriveRootKey } from "../wire/frame-mac.ts";
import { answerWholeCall, type WholeAnswer, type WholeCall } from "./answer-whole-call.ts";
import { createCallTable } from "./call-table.ts";
import { unknownFile } from "./calls/file-calls.ts";
import { unknownStream } from "./calls/stream-calls.ts";
import type { SocketSource } from "../drivers/read-in-place.ts";
import { HttpCalls } from "./drivers/http-calls.ts";
import { Holdings } from "./holdings.ts";
import { defaultNodeServerSettings, type NodeServerSettings } from "./node-server-settings.ts";
import { NodeService } from "./node-service.ts";
import { PayloadMemory } from "./payload-memory.ts";
import { Peers } from "./peers.ts";

export interface NodeServerComponents {
  /** Looked up for each call: drives may come and go. */
  readonly drives: ReadonlyMap<DriveId, ShardDrive>;
  /** Of which other nodes reach the archive's folder. */
  readonly archiveDisks: ReadonlyMap<DriveId, Disk>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  /** Absent: calls are not traced. */
  readonly tracer?: CallTracer | undefined;
  /** Absent: none. */
  readonly reports?: NodeReports;
}

export interface NodeServerIdentity {
  /** Of the cluster: who has it is one of its nodes. */
  readonly secret: string | Uint8Array;
  readonly clusterId: ClusterId;
  readonly nodeId: string;
  /** Of the program, for people. */
  readonly version: string;
}

/** What is under way, and what other processes hold on this node. */
interface NodeLoad {
  readonly streams: number;
  readonly files: number;
  readonly calls: number;
  /** Calls that wait for memory. */
  readonly waiting: number;
  /** Memory of calls that are received, or that a drive still uses. */
  readonly receivedBytes: number;
  /** Memory of what is read and sent, or that a drive still fills. */
  readonly sentBytes: number;
}

export interface NodeServer {
  /** Answers the calls that come over a connection, of TCP or TLS or of this machine. */
  accept(source: SocketSource): void;
  /** The same for a transport that brings calls as a whole (the simulator's). */
  answer(call: WholeCall): Promise<WholeAnswer>;
  /** A connection of such calls is closed. */
  connectionClosed(connection: object): void;
  load(): NodeLoad;
  /** Refuses further calls, lets those under way end, closes the connections, and gives up what other processes hold. */
  close(): Promise<void>;
}

const sweepIntervalMs = 5_000;
/** Of an exclusive thing, and of one that many calls may use at once. */
const [oneUser, manyUsers] = [1, 64];

/** Serves this node's drives to the other nodes of the cluster. */
export function createNodeServer(
  components: NodeServerComponents,
  identity: NodeServerIdentity,
  settings: Partial<NodeServerSettings> = {},
): NodeServer {
  const { clock, random, logger, tracer } = components;
  const { secret, ...introduction } = identity;
  const chosen = { ...defaultNodeServerSettings, ...settings };
  const streams = createStreams(clock, chosen);
  const files = createFiles(clock, chosen);
  const gone = (sender: string): void => {
    void streams.endOwned(sender);
    void files.endOwned(sender);
  };
  const peers = new Peers(clock, { graceMs: chosen.peerGraceMs, silentMsMax: chosen.peerSilentMsMax, gone });
  const { receivedBytesMax, sentBytesMax, waitingCallsMax: waitingMax } = chosen;
  const receiving = new PayloadMemory({ sizeBytes: receivedBytesMax, waitingMax });
  const sending = new PayloadMemory({ sizeBytes: sentBytesMax, waitingMax });
  const introduce = (): typeof introduction & { wallMs: number } => ({ ...introduction, wallMs: clock.nowMs() });
  const { drives, archiveDisks, reports = new Map() } = components;
  const table = createCallTable({ drives, archiveDisks, streams, files, memory: sending, introduce, reports });
  const root = deriveRootKey(secret, identity.clusterId);
  const heard = (sender: string, connection: object): void => peers.heard(sender, connection);
  const service = new NodeService({ root, table, clock, random, logger, heard });
  const connectionClosed = (connection: object): void => peers.closed(connection);
  const metrics = createServerMetrics(components.meter, chosen.peers);
  const http = new HttpCalls({
    service,
    memory: receiving,
    clock,
    settings: chosen,
    metrics,
    connectionClosed,
    tracer,
  });
  const sweep = (): void => {
    peers.sweep();
    void streams.endIdle();
    timer = clock.setTimer(sweepIntervalMs, sweep);
  };
  let timer: Timer = clock.setTimer(sweepIntervalMs, sweep);
  return {
    accept: http.accept,
    answer: (call) => answerWholeCall(service, call),
    connectionClosed,
    load: () => ({
      streams: streams.count,
      files: files.count,
      calls: http.callsUnderWay,
      waiting: receiving.waitingCount + sending.waitingCount,
      receivedBytes: receiving.usedBytes,
      sentBytes: sending.usedBytes,
    }),
    async close() {
      timer.cancel();
      await http.close();
      peers.close();
      await Promise.all([streams.endAll(), files.endAll()]);
    },
  };
}

function createStreams(clock: Clock, settings: NodeServerSettings): Holdings<ShardStream> {
  return new Holdings(clock, {
    what: "stream",
    countMax: settings.streamsMax,
    idleMsMax: settings.streamIdleMsMax,
    usersMax: oneUser,
    unknown: unknownStream,
    giveUp: (stream) => stream.abort(),
  });
}

/** A quiet cluster's archive says nothing for hours: its files end with the process that opened them. */
function createFiles(clock: Clock, settings: NodeServerSettings): Holdings<DiskFile> {
  return new Holdings(clock, {
    what: "file",
    countMax: settings.filesMax,
    idleMsMax: Number.POSITIVE_INFINITY,
    usersMax: manyUsers,
    unknown: unknownFile,
    // A drive that errs closes it when it can; nobody is left to be told.
    giveUp: (file) => file.close().catch(() => {}),
  });
}
