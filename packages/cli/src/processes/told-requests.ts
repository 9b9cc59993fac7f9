import type { Clock } from "@kakera/kernel";
import type { EndedRequest, RequestWatcher } from "@kakera/gateway";
import type { ToldRequests } from "./told.ts";

/** Between two messages to the owner. */
const tellMs = 50;
/** That may wait for one. */
const waitingMax = 2_048;

/** The requests of this process, for those who watch at the owner. Tells nothing while there is nobody. */
export class RequestTeller implements RequestWatcher {
  readonly #clock: Clock;
  readonly #tell: (requests: ToldRequests) => void;
  #waiting: EndedRequest[] = [];
  #droppedCount = 0;
  #isWatching = false;

  constructor(clock: Clock, tell: (requests: ToldRequests) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  get isWatching(): boolean {
    return this.#isWatching;
  }

  /** What the owner says with each pulse: whether anybody watches. */
  told(isWatched: boolean): void {
    this.#isWatching = isWatched;
  }

  note(request: EndedRequest): void {
    if (this.#waiting.length >= waitingMax) {
      this.#droppedCount++;
      return;
    }
    this.#waiting.push(request);
    if (this.#waiting.length === 1) this.#clock.setTimer(tellMs, () => this.#flush());
  }

  #flush(): void {
    const told = { requests: this.#waiting, droppedCount: this.#droppedCount };
    this.#waiting = [];
    this.#droppedCount = 0;
    this.#tell(told);
  }
}
