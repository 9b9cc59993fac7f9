import { KIB, silentLogger, silentMeter, noFailpoints, type DriveId, type SessionId } from "@kakera/kernel";
import { createBodies, createBodyCopier } from "@kakera/gateway";
import { createMaintenance, type Maintenance } from "@kakera/maintenance";
import type { RepairQueue, ShardDrive } from "@kakera/rpc";
import { createMemoryStore, openDrive, type Drive } from "@kakera/storage-node";
import { asOwnFiles } from "./as-own-files.ts";
import { openStoreLog, presentDrives, type StoreLogComponents } from "./open-store-log.ts";
import { Store } from "./store.ts";
import type { StoreMemory, StoreSettings } from "./store-settings.ts";

/** Its table is made for every image of a power cut anew. */
const recentBytesMax = 64 * KIB;

export interface StoreComponents extends StoreLogComponents {
  readonly memory: StoreMemory;
}

/**
 * Puts the store of one machine together, as the server does: journal, view, drives, bodies. The view and the indexes are in memory.
 * Rejects when it cannot serve: too few drives, a failed sync while it recovers, or something acknowledged that is missing.
 */
export async function openStore(components: StoreComponents, settings: StoreSettings): Promise<Store> {
  const { random, clock, memory } = components;
  const log = await openStoreLog(components, { ...settings, start: "open" });
  await log.barrier();
  const opened = await openDrives(components, settings);
  const drives = new Map<DriveId, ShardDrive>(opened.map((drive) => [drive.driveId, asOwnFiles(drive, settings)]));
  let maintenance: Maintenance | null = null;
  const repairQueue: RepairQueue = { report: (finding) => maintenance?.repairQueue.report(finding) };
  const shared = { clock, random, logger: silentLogger, meter: silentMeter };
  const bodies = createBodies(
    { ...shared, ...memory, log, drives, repairQueue },
    {
      inFlightBytesMax: memory.memory.sizeBytes / 2,
      budgetWaitMsMax: 10_000,
      write: { replicatedBytesMax: settings.replicatedBytesMax },
    },
  );
  const store = new Store({ ...shared, log, drives: opened, bodies, inlineBytesMax: settings.inlineBytesMax });
  if (settings.maintenance !== null) {
    const { reads, writes } = bodies;
    const sessions = { floorOf: (session: SessionId) => (session === log.session ? bodies.writeFloor : Infinity) };
    const copier = createBodyCopier(bodies);
    maintenance = createMaintenance(
      {
        ...shared,
        ...memory,
        log,
        drives,
        sessions,
        reads,
        writes,
        copier,
        onBug: (failure) => store.noteBug(failure),
      },
      settings.maintenance,
    );
    store.maintainBy(maintenance);
  }
  return store;
}

async function openDrives(components: StoreComponents, settings: StoreSettings): Promise<Drive[]> {
  const { random, clock } = components;
  return Promise.all(
    presentDrives(components).map(({ driveId, disk }) =>
      openDrive(
        {
          disk,
          index: createMemoryStore(),
          clock,
          random,
          logger: silentLogger,
          meter: silentMeter,
          failpoints: noFailpoints,
        },
        {
          place: driveId,
          segmentSizeBytes: settings.segmentSizeBytes,
          ownFileBytesMin: settings.ownFileBytesMin,
          recentBytesMax,
        },
      ),
    ),
  );
}
