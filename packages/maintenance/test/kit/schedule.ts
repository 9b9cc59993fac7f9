import type { Random } from "@kakera/kernel";

/** A call that stands before a drive or the log, or its answer on the way back. */
interface Waiting {
  readonly actor: Actor;
  readonly way: "there" | "back";
  /** Takes something away when it arrives. */
  readonly isDeletion: boolean;
  readonly go: () => void;
}

/** Somebody whose calls are on the way: a gateway, or a leader that may be dead. */
export interface Actor {
  readonly name: string;
  /** Its calls stand still. */
  isPaused: boolean;
  /** What it sent may still arrive; it hears no answer any more. */
  isDead: boolean;
}

export function makeActor(name: string): Actor {
  return { name, isPaused: false, isDead: false };
}

/** Lets calls go on one by one, in an order of the seed's. */
export class Schedule {
  readonly #random: Random;
  #waiting: Waiting[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  async call<Result>(
    actor: Actor,
    run: () => Result | Promise<Result>,
    what: "any" | "deletion" = "any",
  ): Promise<Result> {
    await this.#pass({ actor, way: "there", isDeletion: what === "deletion" });
    let outcome: { readonly value: Result } | { readonly failure: unknown };
    try {
      outcome = { value: await run() };
    } catch (failure) {
      outcome = { failure };
    }
    await this.#pass({ actor, way: "back", isDeletion: false });
    if ("failure" in outcome) throw outcome.failure;
    return outcome.value;
  }

  /** Whether somebody's deletion is on its way. */
  isDeleting(actor: Actor): boolean {
    return this.#waiting.some((waiting) => waiting.actor === actor && waiting.isDeletion);
  }

  below(count: number): number {
    return Math.floor(this.#random.fraction() * count);
  }

  /** One call goes on. Whether there was any that could. */
  async step(): Promise<boolean> {
    this.#waiting = this.#waiting.filter(({ actor, way }) => !(actor.isDead && way === "back"));
    // What the dead sent may be on the way for long.
    const isSlow = this.below(100) > 0;
    const ready = this.#waiting.filter(({ actor }) => !actor.isPaused && !(actor.isDead && isSlow));
    const next = ready[this.below(ready.length)];
    if (next !== undefined) {
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      next.go();
    }
    await settle();
    return next !== undefined;
  }

  /** Calls of the dead that have not arrived by now never do. */
  bury(): void {
    this.#waiting = this.#waiting.filter(({ actor }) => !actor.isDead);
  }

  #pass(call: Omit<Waiting, "go">): Promise<void> {
    return new Promise((go) => this.#waiting.push({ ...call, go }));
  }
}

/** Until nothing goes on but what waits for the schedule or the clock. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
