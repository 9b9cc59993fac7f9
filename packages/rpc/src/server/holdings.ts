import { ClusterFailure, type Clock } from "@kakera/kernel";

export interface HoldingsSettings<Thing> {
  /** For people: "stream", "file". */
  readonly what: string;
  readonly countMax: number;
  /** One that no call used for so long is given up. */
  readonly idleMsMax: number;
  /** Calls on one thing at a time. */
  readonly usersMax: number;
  /** What an id says that is not, or no longer, of its owner. */
  readonly unknown: (id: number) => Error;
  /** Ends it: nobody uses it any more. Never rejects. */
  readonly giveUp: (thing: Thing) => Promise<void>;
}

interface Holding<Thing> {
  readonly id: number;
  readonly owner: string;
  readonly thing: Thing;
  users: number;
  usedAtMs: number;
  isEnding: boolean;
  readonly unused: PromiseWithResolvers<void>;
}

/** Things that other processes hold on this node by an id, and that end with them. */
export class Holdings<Thing> {
  readonly #settings: HoldingsSettings<Thing>;
  readonly #clock: Clock;
  readonly #held = new Map<number, Holding<Thing>>();
  #lastId = 0;

  constructor(clock: Clock, settings: HoldingsSettings<Thing>) {
    this.#clock = clock;
    this.#settings = settings;
  }

  get count(): number {
    return this.#held.size;
  }

  /** Throws ClusterFailure `retry` when there is no place for one more. */
  checkRoom(): void {
    if (this.#held.size < this.#settings.countMax) return;
    throw new ClusterFailure("retry", `the node has too many ${this.#settings.what}s open`);
  }

  /** Its id. Throws when there is no place: give the thing up then. */
  add(owner: string, thing: Thing): number {
    this.checkRoom();
    const id = ++this.#lastId;
    const unused = Promise.withResolvers<void>();
    const usedAtMs = this.#clock.monotonicMs();
    this.#held.set(id, { id, owner, thing, users: 0, usedAtMs, isEnding: false, unused });
    return id;
  }

  /** Rejects with what `unknown` says when it is not the owner's. */
  async use<Result>(owner: string, id: number, run: (thing: Thing) => Promise<Result>): Promise<Result> {
    const holding = this.#find(owner, id);
    if (holding.users >= this.#settings.usersMax)
      throw new ClusterFailure("retry", `another call uses this ${this.#settings.what}`);
    holding.users += 1;
    try {
      return await run(holding.thing);
    } finally {
      holding.users -= 1;
      holding.usedAtMs = this.#clock.monotonicMs();
      if (holding.users === 0 && holding.isEnding) holding.unused.resolve();
    }
  }

  /** It is the caller's from now on: no longer held, and not given up. Rejects as `use`. */
  take(owner: string, id: number): Promise<Thing> {
    return this.use(owner, id, async (thing) => {
      this.#held.delete(id);
      return thing;
    });
  }

  /** Gives it up when the calls that use it have ended; no error when it is not there. */
  async end(owner: string, id: number): Promise<void> {
    const holding = this.#held.get(id);
    if (holding !== undefined && holding.owner === owner) await this.#end(holding);
  }

  /** Gives up all that the owner holds. */
  async endOwned(owner: string): Promise<void> {
    await Promise.all([...this.#held.values()].filter((held) => held.owner === owner).map((held) => this.#end(held)));
  }

  async endIdle(): Promise<void> {
    const dueMs = this.#clock.monotonicMs() - this.#settings.idleMsMax;
    const idle = [...this.#held.values()].filter((held) => held.users === 0 && held.usedAtMs <= dueMs);
    await Promise.all(idle.map((held) => this.#end(held)));
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#held.values()].map((held) => this.#end(held)));
  }

  #find(owner: string, id: number): Holding<Thing> {
    const holding = this.#held.get(id);
    if (holding === undefined || holding.owner !== owner) throw this.#settings.unknown(id);
    return holding;
  }

  async #end(holding: Holding<Thing>): Promise<void> {
    this.#held.delete(holding.id);
    holding.isEnding = true;
    if (holding.users > 0) await holding.unused.promise;
    await this.#settings.giveUp(holding.thing);
  }
}
