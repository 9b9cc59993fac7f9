import { assert, type Disk, type Random } from "@kakera/kernel";
import { MemoryTree } from "../memory/memory-tree.ts";
import type { Action, CallOutcome, CrashEvent, CrashHistory } from "./history.ts";
import { RecordingDisk, type Recorder } from "./recording-disk.ts";

export interface CrashWorldSettings {
  /** Decides how long each call takes, and so the order in which calls end. */
  readonly random: Random;
  /** What each drive holds, durably: fresh drives, or a crash image to crash again. */
  readonly start: readonly MemoryTree[];
  /** Whether a sync (or a synchronous write) of a file fails with EIO; asked once for each. */
  readonly syncFails?: (sync: { readonly drive: number; readonly path: string }) => boolean;
}

/** The drives of one machine, in memory, with everything recorded that a power cut could undo. */
export interface CrashWorld {
  readonly disks: readonly Disk[];
  /** The events so far: what is acknowledged now must survive a crash at this position or later. */
  position(): number;
  history(): CrashHistory;
}

export function createCrashWorld(settings: CrashWorldSettings): CrashWorld {
  const events: CrashEvent[] = [];
  const start = settings.start.map((tree) => tree.share());
  let callCount = 0;
  const recorderOf = (drive: number): Recorder => ({
    async perform(action: Action, effect: () => CallOutcome): Promise<CallOutcome> {
      const call = callCount++;
      events.push({ kind: "started", drive, call, action });
      for (let turns = drawTurns(settings.random); turns > 0; turns -= 1) await Promise.resolve();
      let outcome: CallOutcome = "refused";
      try {
        outcome = effect();
      } finally {
        events.push({ kind: "ended", drive, call, outcome });
      }
      return outcome;
    },
    syncFails: (path) => settings.syncFails?.({ drive, path }) === true,
  });
  return {
    disks: settings.start.map(
      (tree, drive) => new RecordingDisk(tree.share(), { recorder: recorderOf(drive), deviceId: drive + 1 }),
    ),
    position: () => events.length,
    history: () => ({ start, events }),
  };
}

/** `driveCount` empty drives. */
export function freshDrives(driveCount: number): MemoryTree[] {
  return Array.from({ length: driveCount }, () => new MemoryTree());
}

/** A disk of its own, for what needs but one. */
export function createRecordingDisk(settings: { readonly random: Random }): {
  readonly disk: Disk;
  readonly world: CrashWorld;
} {
  const world = createCrashWorld({ random: settings.random, start: freshDrives(1) });
  const [disk] = world.disks;
  assert(disk !== undefined, "the world has one drive");
  return { disk, world };
}

/** Turns of the microtask queue that a call takes. Mostly few; now and then so many that one drive lags behind the others. */
function drawTurns(random: Random): number {
  return Math.min(400, Math.floor(1 / (1 - random.fraction())));
}
