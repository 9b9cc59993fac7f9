import { copiesNeeded, genesis, type Base } from "../../src/journal/rules.ts";
import type { BrokenRule } from "./broken-rules.ts";
import { Dice } from "./dice.ts";
import type { Geometry } from "./geometries.ts";

export interface Batch {
  readonly term: number;
  readonly sequence: number;
  readonly before: string;
  readonly checksum: string;
  readonly bytes: number;
}

interface Entry {
  readonly batch: Batch;
  /** false: readable at best until the power goes. */
  isDurable: boolean;
}

export interface Drive {
  readonly isMember: boolean;
  isAbsent: boolean;
  /** Empty, or not whole again since it was emptied: it does not count. */
  isNewcomer: boolean;
  entries: Entry[];
  bases: Base[];
  promised: number;
  /** The batch that it was told is acknowledged. Never synced: gone, or not, when the power goes. */
  noted: string | null;
}

/** A drive's part in the process that runs. */
export interface Live {
  readonly drive: Drive;
  durable: number;
  queue: Batch[];
  /** It is written last of all. */
  readonly isSlow: boolean;
}

/** What one write to a drive gathers at most, in batches. */
export const writeBytesMax = 2;
let serial = 0;

/** One machine: its drives, the process that runs on them, and what anybody was told. */
export class World {
  readonly dice: Dice;
  readonly geometry: Geometry;
  readonly broken: BrokenRule | null;
  readonly drives: readonly Drive[];
  readonly needed: number;
  /** null: no process runs, or it waits for drives, or it only shows what it found. */
  live: Live[] | null = null;
  term = 0;
  last: Batch | null = null;
  /** The last batch that anybody was told of, directly or by an answer that rests on it. */
  answered: Batch | null = null;
  isBeyondTolerance = false;
  wasFormed = false;
  violation: string | null = null;

  constructor(seed: number, geometry: Geometry, broken: BrokenRule | null) {
    this.dice = new Dice(seed);
    this.geometry = geometry;
    this.broken = broken;
    this.needed = copiesNeeded(geometry.driveCount, geometry.tolerance);
    this.drives = Array.from({ length: geometry.driveCount }, (_, index) => ({
      isMember: index < geometry.memberCount,
      isAbsent: false,
      isNewcomer: false,
      entries: [],
      bases: [genesis],
      promised: 0,
      noted: null,
    }));
  }

  batchAfter(last: Batch | null, term: number): Batch {
    return {
      term,
      sequence: (last?.sequence ?? 0) + 1,
      before: last?.checksum ?? genesis.checksum,
      checksum: `b${serial++}`,
      bytes: 1,
    };
  }

  /** The process dies; the machine goes on. What was being written may be readable and is not durable. */
  kill(): void {
    for (const member of this.live ?? []) {
      for (const batch of member.queue.splice(0, writeBytesMax))
        if (this.dice.chance(0.5)) member.drive.entries.push({ batch, isDurable: false });
    }
    this.live = null;
  }

  /** What is not durable is there or is not, each batch for itself. */
  cutPower(): void {
    this.kill();
    for (const drive of this.drives) {
      drive.entries = drive.entries.filter((entry) => entry.isDurable || this.dice.chance(0.5));
      for (const entry of drive.entries) entry.isDurable = true;
      if (this.dice.chance(0.5)) drive.noted = null;
    }
  }

  /** A drive that has everything up to `durable` takes part. */
  liveFrom(drive: Drive, durable: number): Live {
    return { drive, durable, queue: [], isSlow: this.dice.chance(0.3) };
  }

  drop(member: Live): void {
    const live = this.live as Live[];
    live.splice(live.indexOf(member), 1);
  }

  loseDrive(): void {
    const { dice, drives, geometry } = this;
    const drive = dice.pick(drives);
    const isEmptied = dice.chance(0.3);
    // One history in some goes beyond what is tolerated: then the journal may refuse to start, and must still not lie.
    const lost = drives.filter((other) => other !== drive && (other.isAbsent || other.isNewcomer)).length;
    if (lost >= geometry.tolerance && !dice.chance(0.1)) return;
    if (lost >= geometry.tolerance) this.isBeyondTolerance = true;
    const member = this.live?.find((one) => one.drive === drive);
    if (member !== undefined) this.drop(member);
    if (isEmptied && this.wasFormed)
      Object.assign(drive, { entries: [], bases: [], promised: 0, noted: null, isNewcomer: drive.isMember });
    else drive.isAbsent = true;
  }

  returnDrive(): void {
    const absent = this.drives.filter((drive) => drive.isAbsent);
    if (absent.length > 0) this.dice.pick(absent).isAbsent = false;
  }
}
