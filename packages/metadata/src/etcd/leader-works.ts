import { sleep, type Clock, type Logger } from "@kakera/kernel";

export type LeaderWork = (signal: AbortSignal) => Promise<void>;

/** A work that failed is begun again after so long. */
const pauseMs = 5_000;

/** What is run while this process leads: each work once at a time, also across two terms. */
export class LeaderWorks {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #works: LeaderWork[] = [];
  /** Of each work, what it does: the next term's run waits for it. */
  readonly #running = new Map<LeaderWork, Promise<void>>();
  #term: AbortController | null = null;

  constructor(parts: { clock: Clock; logger: Logger }) {
    this.#clock = parts.clock;
    this.#logger = parts.logger;
  }

  get isRunning(): boolean {
    return this.#term !== null;
  }

  add(work: LeaderWork): void {
    this.#works.push(work);
    if (this.#term !== null) this.#begin(work, this.#term.signal);
  }

  begin(): void {
    this.#term = new AbortController();
    for (const work of this.#works) this.#begin(work, this.#term.signal);
  }

  /** Aborts them; does not wait. */
  end(why: string): void {
    this.#term?.abort(new Error(why));
    this.#term = null;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  #begin(work: LeaderWork, signal: AbortSignal): void {
    const before = this.#running.get(work) ?? Promise.resolve();
    this.#running.set(
      work,
      before.then(() => this.#run(work, signal)),
    );
  }

  async #run(work: LeaderWork, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        return await work(signal);
      } catch (failure) {
        if (signal.aborted) return;
        this.#logger.log("error", "etcd.leader-work-failed", { cause: failure });
      }
      // Rejects when the term ends, which is no failure.
      await sleep(this.#clock, pauseMs, signal).catch(() => {});
    }
  }
}
