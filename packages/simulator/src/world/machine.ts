import type { Clock, Random, Timer } from "@kakera/kernel";
import type { World } from "./world.ts";

/** Wall time at the start of each history. */
const epochMs = 1_700_000_000_000;

/**
 * One process of the world. All that comes to it from outside (timers, messages, answers of disks) comes through `later`: while it is paused
 * that waits, as for a process that was stopped; once it is dead nothing of it goes on.
 */
export class Machine {
  readonly name: string;
  readonly world: World;
  readonly random: Random;
  readonly clock: Clock;
  #isPaused = false;
  #isDead = false;
  #wallOffsetMs = 0;
  #held: (() => void)[] = [];

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
    this.random = world.fork();
    const { time } = world;
    this.clock = {
      nowMs: () => epochMs + Math.floor(time.nowMs + this.#wallOffsetMs),
      monotonicMs: () => time.nowMs,
      setTimer: (delayMs, callback) => this.later(delayMs, callback),
      atTurnEnd: (callback) => void this.later(0, callback),
    };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  later(delayMs: number, callback: () => void): Timer {
    let isCancelled = false;
    const run = (): void => {
      if (this.#isDead || isCancelled) return;
      if (this.#isPaused) this.#held.push(run);
      else callback();
    };
    const timer = this.world.time.after(delayMs, run);
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  /** Resolves with `later`. */
  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.later(delayMs, resolve));
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (const run of this.#held.splice(0)) this.world.time.after(0, run);
  }

  /** As SIGKILL. */
  kill(): void {
    this.#isDead = true;
    this.#held = [];
  }

  jumpWallClock(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  setWallClockRight(): void {
    this.#wallOffsetMs = 0;
  }
}
