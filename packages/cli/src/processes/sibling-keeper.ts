import { MIB, SECOND_MS, sleep, type Clock, type Logger, type Random, type SessionId } from "@kakera/kernel";
import type { CommitLog, ViewReaders } from "@kakera/metadata";
import type { SiblingProcess } from "../drivers/sibling-process.ts";
import type { MetricRecord } from "../drivers/prom-meter.ts";
import type { ProcessMarks } from "./process-marks.ts";
import { Sibling } from "./sibling.ts";
import type { Beginning, Pulse, Reload } from "./told.ts";

/** What siblings are started with, once the server serves. */
export interface Shared {
  readonly marks: ProcessMarks;
  readonly log: CommitLog;
  readonly isViewWhole: () => boolean;
  readonly readers: ViewReaders | null;
  readonly beginning: Omit<Beginning, "index" | "markSession" | "numbers" | "pulse">;
  readonly pulse: () => Omit<Pulse, "numbers" | "marks">;
  /** Takes over what one had measured that is no more. */
  readonly retire: (records: readonly MetricRecord[]) => void;
  /** Answers what siblings ask and tell: see told.ts. */
  readonly serve: (sibling: Sibling) => void;
}

export interface KeeperComponents {
  readonly start: (index: number) => SiblingProcess;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly onBug: (failure: unknown) => void;
}

const restartMs = { least: SECOND_MS / 10, most: 10 * SECOND_MS };
/** One that lived for so long did not die of how it begins. */
const soundLifeMs = 30 * SECOND_MS;
const lookIntervalMs = SECOND_MS;
const deadReadersIntervalMs = 60 * SECOND_MS;
/**
 * One that is silent for so long may stand still within a read, and keeps all that is replaced from then on. It is ended when the view's file has
 * grown by as much as is in use of it, and by so many bytes at least, since it was heard.
 */
const growth = { silentMs: SECOND_MS, bytesMin: 64 * MIB } as const;

/** Starts the other processes of this server, and again when one has died. */
export class SiblingKeeper {
  readonly #components: KeeperComponents;
  readonly #living = new Set<Sibling>();
  readonly #ended = new AbortController();
  #restartCount = 0;
  #keeping: Promise<unknown> = Promise.resolve();

  constructor(components: KeeperComponents) {
    this.#components = components;
  }

  /** Processes that take requests, this one included. */
  get servingCount(): number {
    return 1 + [...this.#living].filter(({ isServing }) => isServing).length;
  }

  /** Processes that were started in the place of one that died. */
  get restartCount(): number {
    return this.#restartCount;
  }

  /** Whether a sibling that lives leaves marks in this name. */
  isLive(session: SessionId): boolean {
    return [...this.#living].some(({ markSession }) => markSession === session);
  }

  /** Keeps `count` of them until `drain`. */
  keep(count: number, shared: Shared): void {
    const places = Array.from({ length: count }, (_, at) => this.#keepOne(at + 1, shared));
    this.#keeping = Promise.all([...places, this.#watch(shared)]);
    this.#keeping.catch(this.#components.onBug);
  }

  tellReload(reload: Reload): void {
    for (const sibling of this.#living) sibling.tellReload(reload);
  }

  /** What each one measures; of those that do not answer, what they measured last. */
  measured(): Promise<readonly (readonly MetricRecord[])[]> {
    return Promise.all([...this.#living].map((sibling) => sibling.measure()));
  }

  /** Ends them all in good order; how many requests were cut off. */
  async drain(timeoutMs: number): Promise<number> {
    this.#ended.abort();
    const cutOff = await Promise.all([...this.#living].map((sibling) => sibling.drain({ timeoutMs })));
    await this.#keeping;
    return cutOff.reduce((sum, count) => sum + count, 0);
  }

  async #keepOne(index: number, shared: Shared): Promise<void> {
    const { clock } = this.#components;
    let waitMs = restartMs.least;
    while (!this.#ended.signal.aborted) {
      const startedMs = clock.monotonicMs();
      await this.#live(index, shared);
      if (this.#ended.signal.aborted) return;
      waitMs = clock.monotonicMs() - startedMs >= soundLifeMs ? restartMs.least : Math.min(waitMs * 2, restartMs.most);
      this.#restartCount++;
      await sleep(clock, waitMs, this.#ended.signal).catch(() => undefined);
    }
  }

  async #live(index: number, shared: Shared): Promise<void> {
    const { marks } = shared;
    const sibling = new Sibling(index, {
      ...this.#components,
      ...shared,
      process: this.#components.start(index),
      pulse: () => ({ ...shared.pulse(), marks: marks.marks }),
    });
    this.#living.add(sibling);
    shared.serve(sibling);
    void sibling.begin(shared.beginning);
    await sibling.ended;
    this.#living.delete(sibling);
    shared.retire(sibling.measured);
    this.#clearReaders(shared);
  }

  /** Of the view's file, and of this process' own numbers (correctness.md F22). */
  async #watch(shared: Shared): Promise<void> {
    const { clock } = this.#components;
    const { readers, marks } = shared;
    const { signal } = this.#ended;
    const heardBytes = new WeakMap<Sibling, number>();
    for (let clearedMs = clock.monotonicMs(); !signal.aborted;) {
      await sleep(clock, lookIntervalMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      marks.moveOn();
      if (readers === null) continue;
      const { fileBytes, liveBytes } = readers.sizes();
      for (const sibling of this.#living) {
        const grownBytes = fileBytes - (heardBytes.get(sibling) ?? fileBytes);
        if (sibling.silentMs < growth.silentMs || !heardBytes.has(sibling)) heardBytes.set(sibling, fileBytes);
        else if (grownBytes > Math.max(liveBytes, growth.bytesMin))
          sibling.giveUp("it stands still, and the view's file grows");
      }
      if (clock.monotonicMs() - clearedMs < deadReadersIntervalMs) continue;
      clearedMs = clock.monotonicMs();
      this.#clearReaders(shared);
    }
  }

  /** What readers that died had pinned is used again. */
  #clearReaders({ readers }: Shared): void {
    const count = readers?.clearDead() ?? 0;
    if (count > 0) this.#components.logger.log("info", "view.readers-cleared", { count });
  }
}
