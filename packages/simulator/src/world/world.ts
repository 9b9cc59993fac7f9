import { createSeededRandom, type Random } from "@kakera/kernel";
import type { FaultName } from "./fault-names.ts";
import { Trace } from "./trace.ts";
import { VirtualTime } from "./virtual-time.ts";

/** What all of a history shares: its time, its dice, and the record of what happened. */
export class World {
  readonly time = new VirtualTime();
  readonly trace = new Trace();
  readonly random: Random;
  /** What was found wrong, a sentence each. */
  readonly violations: string[] = [];
  readonly faults = new Map<FaultName, number>();

  constructor(seed: number) {
    this.random = createSeededRandom(seed);
  }

  note(event: string): void {
    this.trace.note(this.time.nowMs, event);
  }

  violated(sentence: string): void {
    this.note(`VIOLATED ${sentence}`);
    this.violations.push(sentence);
  }

  /** Counts a fault that has really come to pass. */
  fired(fault: FaultName): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
  }

  chance(share: number): boolean {
    return this.random.fraction() < share;
  }

  between(least: number, most: number): number {
    return least + this.random.fraction() * (most - least);
  }

  /** 0, 1, ..., count - 1. */
  dice(count: number): number {
    return Math.floor(this.random.fraction() * count);
  }

  pick<T>(of: readonly T[]): T {
    return of[this.dice(of.length)] as T;
  }

  /** A source of its own, so that one part's draws do not move those of another. */
  fork(): Random {
    return createSeededRandom(this.dice(2 ** 32));
  }
}
