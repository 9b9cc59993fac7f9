import type { Clock, Logger, Meter, Random } from "@kakera/kernel";
import { createCodec, createSharedMemory } from "@kakera/erasure";
import { createBodies, type WatchedBodyStore } from "@kakera/gateway";
import { createMaintenance, type Maintenance } from "@kakera/maintenance";
import type { RepairQueue } from "@kakera/rpc";
import type { ServerSettings } from "../config/resolve-settings.ts";
import type { TestSettings } from "../config/test-settings.ts";
import type { DriveBay } from "./drive-bay.ts";
import type { LateLog } from "./late-log.ts";
import { createScrubPositions } from "./scrub-positions.ts";
import { bodiesSettings, bodyMemoryBytes, maintenanceMemoryBytes, maintenanceSettings } from "./server-limits.ts";

export interface ServiceComponents {
  readonly log: LateLog;
  readonly bay: DriveBay;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly onBug: (failure: unknown) => void;
}

/** The data path and the loops that keep its data whole, each with memory of its own: neither waits for the other's. */
export function openService(
  components: ServiceComponents,
  settings: { readonly server: ServerSettings; readonly test: TestSettings },
): { readonly bodies: WatchedBodyStore; readonly maintenance: Maintenance } {
  const { log, bay, onBug } = components;
  const memory = createSharedMemory({ sizeBytes: bodyMemoryBytes(settings.server) });
  // Each needs the other: readers report to maintenance, which asks what reads are under way.
  const repairQueue: RepairQueue = { report: (finding) => maintenance.repairQueue.report(finding) };
  const bodies = createBodies(
    { ...components, drives: bay.drives, memory, codec: createCodec(memory), repairQueue },
    bodiesSettings(settings.server, memory.sizeBytes),
  );
  const workMemory = createSharedMemory({ sizeBytes: maintenanceMemoryBytes });
  const maintenance: Maintenance = createMaintenance(
    {
      ...components,
      drives: bay.drives,
      memory: workMemory,
      codec: createCodec(workMemory),
      sessions: { floorOf: (session) => (session === log.session ? bodies.writeFloor : floorOfOthers(log)) },
      reads: bodies.reads,
      writes: bodies.writes,
      positions: createScrubPositions(bay),
      onBug,
    },
    maintenanceSettings(settings.server, settings.test),
  );
  return { bodies, maintenance };
}

/** One process: every other session is over, and all of its writes are decided; unless nobody can say what was committed. */
function floorOfOthers(log: LateLog): number {
  return log.current === null || log.current.keepsUnproven ? 0 : Infinity;
}
