import {
  createSeededRandom,
  newId,
  silentLogger,
  silentMeter,
  systemClock,
  type Clock,
  type ClusterId,
  type Disk,
  type Meter,
  type DriveId,
} from "@kakera/kernel";
import { createMemoryDisk } from "@kakera/disk";
import {
  createNodeClient,
  createNodeServer,
  listenForCalls,
  type NodeClient,
  type NodeReports,
  type NodeServer,
  type ShardDrive,
} from "@kakera/rpc";
import type { Drive, DriveSettings } from "@kakera/storage-node";
import { formattedDisk, openTestDrive } from "../../storage-node/test/drive-kit.ts";

export const random = createSeededRandom(7);
export const secret = "a secret of the whole cluster";
export const clusterId: ClusterId = newId("cluster", random);

type ServerSettings = Parameters<typeof createNodeServer>[2];
type ClientSettings = Parameters<typeof createNodeClient>[2];

export interface NodeOptions {
  /** Instead of the drive itself. */
  readonly wrap?: (drive: Drive) => ShardDrive;
  readonly drive?: Partial<DriveSettings>;
  readonly archiveDisk?: Disk;
  readonly reports?: NodeReports;
  readonly clock?: Clock;
  readonly server?: ServerSettings;
  readonly port?: number;
}

export interface TestNode extends AsyncDisposable {
  end(): Promise<void>;
  readonly server: NodeServer;
  readonly port: number;
  readonly drive: Drive;
  readonly driveId: DriveId;
  client(options?: {
    clock?: Clock;
    meter?: Meter;
    secret?: string;
    port?: number;
    settings?: ClientSettings;
  }): NodeClient;
}

/** A node with one drive on a memory disk that listens on a port of this machine. */
export async function startNode(options: NodeOptions = {}): Promise<TestNode> {
  const drive = await openTestDrive(await formattedDisk(), { settings: options.drive ?? {} });
  const { driveId } = drive;
  const served = options.wrap?.(drive) ?? drive;
  const seams = { random, logger: silentLogger, meter: silentMeter };
  const server = createNodeServer(
    {
      drives: new Map([[driveId, served]]),
      archiveDisks: new Map([[driveId, options.archiveDisk ?? createMemoryDisk()]]),
      clock: options.clock ?? systemClock,
      ...(options.reports === undefined ? {} : { reports: options.reports }),
      ...seams,
    },
    { secret, clusterId, nodeId: "node-1", version: "0.1.0" },
    options.server,
  );
  const listener = await listenForCalls(server, { host: "127.0.0.1", port: options.port ?? 0 });
  const clients: NodeClient[] = [];
  const end = async (): Promise<void> => {
    for (const client of clients) client.close();
    await listener.close();
    await drive.close();
  };
  return {
    server,
    port: listener.port,
    drive,
    driveId,
    client(chosen = {}) {
      const client = createNodeClient(
        { clock: chosen.clock ?? systemClock, ...seams, meter: chosen.meter ?? silentMeter },
        {
          address: { host: "127.0.0.1", port: chosen.port ?? listener.port },
          secret: chosen.secret ?? secret,
          clusterId,
        },
        // Machines that are busy with other tests take their time: what hangs is shown by clocks that tests hold.
        { readDeadlineMs: 120_000, writeDeadlineMs: 120_000, connectDeadlineMs: 60_000, ...chosen.settings },
      );
      clients.push(client);
      return client;
    },
    end,
    [Symbol.asyncDispose]: end,
  };
}
