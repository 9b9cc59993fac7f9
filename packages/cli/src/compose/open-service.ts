import type { Clock, DriveId, Failpoints, Logger, Meter, Random } from "@kakera/kernel";
import { createCodec, createSharedMemory } from "@kakera/erasure";
import { createBodies, createBodyCopier, type WatchedBodyStore } from "@kakera/gateway";
import { createMaintenance, createPositionsInLog, type Maintenance, type SessionBoard } from "@kakera/maintenance";
import type { RepairQueue, ShardDrive } from "@kakera/rpc";
import type { ServerSettings } from "../config/resolve-settings.ts";
import type { TestSettings } from "../config/test-settings.ts";
import type { DriveBay } from "./drive-bay.ts";
import type { LateLog } from "./late-log.ts";
import { ProcessMarks } from "../processes/process-marks.ts";
import { createScrubPositions } from "./scrub-positions.ts";
import { bodiesSettings, bodyMemoryBytes, maintenanceMemoryBytes, maintenanceSettings } from "./server-limits.ts";

export interface ServiceComponents {
  readonly log: LateLog;
  readonly bay: DriveBay;
  /** All drives that can be reached. */
  readonly drives: ReadonlyMap<DriveId, ShardDrive>;
  /** What the cluster's sessions have reported; null: this process is the only one. */
  readonly board: SessionBoard | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly failpoints: Failpoints;
  readonly onBug: (failure: unknown) => void;
  /** To the node that leads, where it is not this one. */
  readonly leader: RepairQueue;
}

export interface Service {
  readonly bodies: WatchedBodyStore;
  /** The work of all processes of this server. */
  readonly marks: ProcessMarks;
  readonly maintenance: Maintenance;
  readonly repairQueue: RepairQueue;
}

/** The data path and the loops that keep its data whole, each with memory of its own: neither waits for the other's. */
export function openService(
  components: ServiceComponents,
  settings: { readonly server: ServerSettings; readonly test: TestSettings },
): Service {
  const { log, bay, board, onBug, leader } = components;
  const memory = createSharedMemory({ sizeBytes: bodyMemoryBytes(settings.server) });
  // Each needs the other: readers report to maintenance, which asks what reads are under way. Who does not lead repairs nothing.
  const repairQueue: RepairQueue = {
    report: (finding) => {
      if (log.current?.shared?.isLeader ?? true) maintenance.repairQueue.report(finding);
      else leader.report(finding);
    },
  };
  const bodies = createBodies(
    { ...components, memory, codec: createCodec(memory), repairQueue },
    bodiesSettings(settings.server, memory.sizeBytes),
  );
  const marks = new ProcessMarks(bodies);
  const workMemory = createSharedMemory({ sizeBytes: maintenanceMemoryBytes });
  const maintenance: Maintenance = createMaintenance(
    {
      ...components,
      memory: workMemory,
      codec: createCodec(workMemory),
      // One server: every other session is over, and all of its writes are decided.
      sessions: board ?? { floorOf: (session) => (session === log.session ? marks.writeFloor : Infinity) },
      reads: board?.reads ?? marks.reads,
      writes: board?.writes ?? marks.writes,
      // Those of a cluster's drives are for whoever leads next.
      positions: board === null ? createScrubPositions(bay) : createPositionsInLog(components),
      copier: createBodyCopier(bodies),
      onBug,
    },
    maintenanceSettings(settings.server, settings.test),
  );
  return { bodies, marks, maintenance, repairQueue };
}
