import {
  ClusterFailure,
  idFromBytes,
  type Clock,
  type ClusterId,
  type Disk,
  type DriveId,
  type Logger,
  type Meter,
  type Random,
} from "@kakera/kernel";
import { calls } from "@kakera/protocol";
import type { CallTracer } from "../call-tracer.ts";
import { createClientMetrics } from "../metrics.ts";
import type { NodeIntroduction } from "../server/calls/node-calls.ts";
import type { ShardDrive } from "../shard-drive.ts";
import { callHeaderBytesMax } from "../wire/call-limits.ts";
import { deriveRootKey } from "../wire/frame-mac.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { httpConnect, type TlsOptions } from "./drivers/http-connection.ts";
import { NodeCaller } from "./node-caller.ts";
import { defaultNodeClientSettings, type NodeClientSettings } from "./node-client-settings.ts";
import type { Connect, NodeAddress } from "./node-connection.ts";
import { NodeStatus } from "./node-status.ts";
import { RemoteDisk } from "./remote-disk.ts";
import { RemoteDrive } from "./remote-drive.ts";

export interface NodeClientComponents {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  /** Opens connections to the node; absent: sockets. */
  readonly connect?: Connect;
  /** For sockets: as httpConnect takes it. */
  readonly tls?: () => TlsOptions | null;
  readonly tracer?: CallTracer | undefined;
}

export interface NodeClientTarget {
  readonly address: NodeAddress;
  /** The cluster's. */
  readonly secret: string | Uint8Array;
  readonly clusterId: ClusterId;
}

export interface NodeClient {
  /** Whether the node tells its status, as far as is known. */
  readonly isUp: boolean;
  drive(driveId: DriveId): ShardDrive;
  /** The drive as a Disk, of which the node allows the folder `.kakera/archive`. Its calls end in time. `readSync` is not for it. */
  archiveDisk(driveId: DriveId): Disk;
  /** Rejects with ClusterFailure when the node does not answer, or does not accept this one (CLOCK_SKEW). */
  hello(): Promise<NodeIntroduction>;
  /**
   * What the node tells under this name: parsed JSON, which a node of another version may have written. Rejects with ClusterFailure when it does
   * not answer in time, does not know the report (VERSION_SKEW), or the question is longer than a call's header.
   */
  report(name: string, question: unknown, deadlineMs: number): Promise<unknown>;
  /** Asks the node for the status of its drives now. Never rejects: a node that does not answer is down. */
  refresh(): Promise<void>;
  /** Ends what is under way. */
  close(): void;
}

/** Calls to one node of the cluster. It asks for the node's status at once, and from then on until it is closed. */
export function createNodeClient(
  components: NodeClientComponents,
  target: NodeClientTarget,
  settings: Partial<NodeClientSettings> = {},
): NodeClient {
  const { clock, random, logger, tracer } = components;
  const { address, secret, clusterId } = target;
  const chosen = { ...defaultNodeClientSettings, ...settings };
  const place = `http://${address.host}:${address.port}`;
  const metrics = createClientMetrics(
    components.meter,
    `${address.host}:${address.port}`,
    address.path === undefined ? "nodes" : "processes",
  );
  const { connectDeadlineMs } = chosen;
  const { tls, connect = httpConnect({ address, connectDeadlineMs, clock, ...(tls === undefined ? {} : { tls }) }) } =
    components;
  const pool = new ConnectionPool(connect, clock, chosen);
  const status = new NodeStatus({
    caller: () => caller,
    clock,
    logger,
    metrics,
    place,
    intervalMs: chosen.statusIntervalMs,
    deadlineMs: chosen.statusDeadlineMs,
    onPolled: () => pool.closeIdle(),
  });
  const root = deriveRootKey(secret, clusterId);
  const caller = new NodeCaller({ root, pool, clock, random, metrics, place, tracer, onFailure: () => status.doubt() });
  void status.poll();
  return {
    get isUp() {
      return status.isUp;
    },
    drive: (driveId) => new RemoteDrive(driveId, { caller, status, settings: chosen }),
    archiveDisk: (driveId) => new RemoteDisk(driveId, { caller, settings: chosen }),
    hello: async () => {
      const header = calls.HelloCall.encode({}).finish();
      const answer = await caller.call({
        name: "hello",
        header,
        deadlineMs: chosen.readDeadlineMs,
        isRepeatable: true,
      });
      const { clusterId: theirs, nodeId, version, wallMs } = calls.HelloAnswer.decode(answer.header);
      return { clusterId: idFromBytes("cluster", theirs), nodeId, version, wallMs };
    },
    report: async (name, question, deadlineMs) => {
      const sent = calls.ReportCall.encode({ name, question: Buffer.from(JSON.stringify(question)) }).finish();
      if (sent.byteLength > callHeaderBytesMax)
        throw new ClusterFailure("retry", `the question of ${name} is too long`);
      const answer = await caller.call({ name: "report", header: sent, deadlineMs, isRepeatable: false });
      return JSON.parse(Buffer.from(calls.ReportAnswer.decode(answer.header).report).toString()) as unknown;
    },
    refresh: () => status.poll(),
    close() {
      status.stop();
      pool.close();
    },
  };
}
