import type { Clock, Timer } from "@kakera/kernel";

/** A write that is ready is not held up for longer, whatever is under way. */
const holdMsMax = 10;
/** What is under way for longer hangs on a drive, or nobody will say what became of it: it is no company any more. */
const underWayMsMax = 1000;

interface Held {
  readonly writeNumber: number;
  readonly depart: () => void;
}

/**
 * Small writes go to the drives together. A drive, and the journal, sync once for all that they have been given; writes that come
 * one by one find each drive at another point of its batch, are answered one by one, and their clients' next ones come one by
 * one again. So a write that is ready waits until as many are ready as are under way: no time when nothing is, and none that
 * counts when little is (ADR 0013).
 */
export class Convoy {
  readonly #clock: Clock;
  #held: Held[] = [];
  /** When each departed, by number; those that departed first come first. */
  readonly #underWay = new Map<number, number>();
  #isDue = false;
  #alarm: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the write is to go to the drives. `decided` is then to be called with its number. */
  join(writeNumber: number): Promise<void> {
    return new Promise((resolve) => {
      this.#held.push({ writeNumber, depart: resolve });
      this.#lookAtTurnEnd();
    });
  }

  /** The write is under way no more. Any number will do. */
  decided(writeNumber: number): void {
    if (this.#underWay.delete(writeNumber) && this.#held.length > 0) this.#lookAtTurnEnd();
  }

  /** Those that become ready, or are decided, in this turn are looked at together. */
  #lookAtTurnEnd(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#clock.atTurnEnd(() => {
      this.#isDue = false;
      if (this.#held.length === 0) return;
      this.#forgetOverdue();
      if (this.#held.length >= this.#underWay.size) this.#depart();
      else this.#alarm ??= this.#clock.setTimer(holdMsMax, () => this.#depart());
    });
  }

  #forgetOverdue(): void {
    const overdueMs = this.#clock.monotonicMs() - underWayMsMax;
    for (const [writeNumber, departedMs] of this.#underWay) {
      if (departedMs > overdueMs) return;
      this.#underWay.delete(writeNumber);
    }
  }

  #depart(): void {
    this.#alarm?.cancel();
    this.#alarm = null;
    const departing = this.#held;
    this.#held = [];
    const nowMs = this.#clock.monotonicMs();
    for (const { writeNumber, depart } of departing) {
      this.#underWay.set(writeNumber, nowMs);
      depart();
    }
  }
}
