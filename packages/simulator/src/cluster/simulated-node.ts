import { boundedDisk, crashImageAt, createCrashWorld, freshDrives, type CrashWorld } from "@kakera/disk";
import {
  DiskError,
  noFailpoints,
  silentLogger,
  silentMeter,
  type ClusterId,
  type Disk,
  type DriveId,
  type Random,
} from "@kakera/kernel";
import { createNodeServer, type ShardDrive } from "@kakera/rpc";
import { createMemoryStore, formatDrive, openDrive, type Drive } from "@kakera/storage-node";
import { Machine } from "../world/machine.ts";
import type { World } from "../world/world.ts";
import { segmentSizeBytes, ownFileBytesMin } from "./cluster-settings.ts";
import { calmMood, hostileDisk, type DriveMood } from "./hostile-disk.ts";
import type { ServingProcess } from "./node-connections.ts";

export interface NodeParts {
  readonly world: World;
  readonly name: string;
  readonly clusterId: ClusterId;
  readonly driveId: DriveId;
  readonly secret: string;
  /** A bug, planted between the drive engine and its disk. */
  readonly plantDisk: (disk: Disk) => Disk;
  /** Sees the drive as the node serves it. */
  readonly observe: (drive: ShardDrive) => ShardDrive;
}

interface Life extends ServingProcess {
  readonly drive: Drive;
}

const callDeadlineMs = 3_000;
const restartMs = 500;

/** A machine with one drive, on which a storage node runs, is killed, loses its power, and is started again. */
export class SimulatedNode {
  readonly name: string;
  readonly driveId: DriveId;
  readonly #parts: NodeParts;
  readonly #random: Random;
  #crashWorld: CrashWorld;
  #mood: DriveMood = calmMood();
  #machine: Machine;
  #life: Life | null = null;
  #failsSyncs = 0;
  #isTakenAway = false;
  #release: () => void = () => {};

  constructor(parts: NodeParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.driveId = parts.driveId;
    this.#random = parts.world.fork();
    this.#crashWorld = this.#worldOver(freshDrives(1));
    this.#machine = new Machine(parts.world, parts.name);
  }

  /** The process that serves now; null: none. */
  get serving(): Life | null {
    return this.#life;
  }

  get machine(): Machine {
    return this.#machine;
  }

  get mood(): DriveMood {
    return this.#mood;
  }

  /** The drive's own content, without the process' way to it. */
  get disk(): Disk {
    return this.#crashWorld.disks[0] as Disk;
  }

  /** Something is wrong with it now. */
  get isDisturbed(): boolean {
    const { isFull, hung, extraMs } = this.#mood;
    const isOff = this.#life === null || this.#machine.isPaused || this.hasFailed;
    return isOff || isFull || hung !== null || extraMs > 0 || this.#failsSyncs > 0;
  }

  /** Its drive was GONE, and whoever keeps the machines has made it another's. */
  get isTakenAway(): boolean {
    return this.#isTakenAway;
  }

  /** For good: nothing that lies on its drive is ever read again. */
  takeAway(): void {
    this.#isTakenAway = true;
    this.kill();
    this.#parts.world.note(`${this.name} is taken away`);
  }

  /** What lets a hung drive go on. */
  releaseWith(release: () => void): void {
    this.#release = release;
  }

  release(): void {
    this.#release();
    this.#release = () => {};
  }

  async format(): Promise<void> {
    const { clusterId, driveId } = this.#parts;
    await formatDrive(this.disk, { clusterId, driveId, deviceRelation: "own-device" });
    this.#mood.acknowledged = this.#crashWorld.position();
  }

  /** Resolves when it serves; a process that ends on the way never does. */
  async start(): Promise<void> {
    if (this.#isTakenAway) return;
    const { world, name, clusterId, secret, plantDisk, observe } = this.#parts;
    const machine = new Machine(world, name);
    this.#machine = machine;
    const { clock, random } = machine;
    const mood = this.#mood;
    const crashWorld = this.#crashWorld;
    const position = (): number => crashWorld.position();
    const disk = boundedDisk(hostileDisk(plantDisk(this.disk), { machine, mood, position }), {
      callsMax: 4,
      queuedCallsMax: 4_096,
      deadlineMs: callDeadlineMs,
      clock,
      onSuspect: () => {},
    });
    const seams = { clock, random, logger: silentLogger, meter: silentMeter };
    let drive: Drive;
    try {
      drive = await openDrive(
        { ...seams, disk, index: createMemoryStore(), failpoints: noFailpoints },
        { place: name, segmentSizeBytes, ownFileBytesMin },
      );
    } catch (failure) {
      return this.#afterFailedStart(machine, failure);
    }
    const server = createNodeServer(
      { ...seams, drives: new Map([[drive.driveId, observe(drive)]]), archiveDisks: new Map() },
      { secret, clusterId, nodeId: name, version: "simulated" },
      { receivedBytesMax: 64 * 1024, sentBytesMax: 1024 * 1024 },
    );
    if (machine.isDead) return;
    this.#life = { machine, drive, server };
    world.note(`${name} serves`);
  }

  /** As SIGKILL: what has reached the drive stays. */
  kill(): void {
    this.#machine.kill();
    this.#life = null;
    this.release();
    this.#mood.acknowledged = this.#crashWorld.position();
  }

  /** The power fails: what was not synced may be lost, torn or reordered; also what was just done and told to nobody. */
  loseThePower(): void {
    const position = this.#crashWorld.position();
    const { acknowledged } = this.#mood;
    this.kill();
    const image = crashImageAt(this.#crashWorld.history(), {
      position: acknowledged + Math.floor(this.#random.fraction() * (position - acknowledged + 1)),
      seed: Math.floor(this.#random.fraction() * 2 ** 32),
      spoiledBlockShare: 0.05,
    });
    this.#crashWorld = this.#worldOver(image.trees);
    this.#mood = calmMood();
  }

  /** The drive is as usual again. */
  calm(): void {
    this.release();
    const { acknowledged } = this.#mood;
    Object.assign(this.#mood, calmMood(), { acknowledged });
    this.#failsSyncs = 0;
  }

  /** A drive whose sync failed takes nothing any more, until its process is started again. */
  get hasFailed(): boolean {
    return this.#life?.drive.status().condition === "failed";
  }

  /** The next sync of the drive fails, and the drive with it. */
  failNextSync(): void {
    this.#failsSyncs++;
  }

  /** A drive that errs is tried again; one that is none any more was lost by a crash that may lose nothing. */
  async #afterFailedStart(machine: Machine, failure: unknown): Promise<void> {
    const { world, name } = this.#parts;
    if (!(failure instanceof DiskError)) {
      world.violated(`${name} does not open: ${failure instanceof Error ? failure.message : String(failure)}`);
      return;
    }
    world.note(`${name} does not open: ${failure.message}`);
    await machine.wait(restartMs);
    this.kill();
    await this.start();
  }

  #worldOver(start: Parameters<typeof createCrashWorld>[0]["start"]): CrashWorld {
    const syncFails = (): boolean => {
      if (this.#failsSyncs === 0) return false;
      this.#failsSyncs--;
      this.#parts.world.fired("sync-failure");
      return true;
    };
    return createCrashWorld({ random: this.#random, start, syncFails });
  }
}
