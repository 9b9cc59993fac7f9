import type { DriveId } from "@kakera/kernel";
import type { ShardPlaces } from "./locate-shards.ts";
import type { Area } from "./window-memory.ts";

/** One call for a shard to a drive. */
export interface ShardRead {
  readonly driveId: DriveId;
  /** Where its bytes come to lie: the drive's until the call has settled. */
  readonly area: Area;
  readonly startedAtMs: number;
  /** When it is late enough to be raced. */
  raceAtMs: number;
}

/** One shard of a window: where it was looked for, and what became of it. */
export class WindowShard {
  readonly index: number;
  /**
   * - `idle`: not asked for yet; `gone`: looked for everywhere in vain
   * - `pending`, `stale`: asked for; a stale one is no longer counted on, but welcome
   * - `here`: read and verified, or decoded; then its bytes are in `area`
   */
  state: "idle" | "pending" | "stale" | "here" | "gone" = "idle";
  area: Area | null = null;
  /** Its home answered, and without it or with something else: it would do so again. */
  isRuledOut = false;
  /** The call that is not settled; of several (a stale one was asked for elsewhere) the last. */
  read: ShardRead | null = null;
  readonly #places: ShardPlaces;
  #looked: "nowhere" | "home" | "beyond" = "nowhere";
  #further: DriveId[] = [];

  constructor(index: number, places: ShardPlaces) {
    this.index = index;
    this.#places = places;
  }

  get home(): DriveId | null {
    return this.#places.home(this.index);
  }

  /** It has no area, or one that a read which hangs may fill at any moment. */
  get needsArea(): boolean {
    return this.area === null || this.read !== null;
  }

  /** Whether it was looked for anywhere. */
  get isFresh(): boolean {
    return this.#looked === "nowhere";
  }

  /** Its home answered at once, with or without it. */
  lookedAtHome(): void {
    this.#looked = "home";
  }

  /** The next place to look at, one that does not hang if there is any; undefined: that was all. */
  nextPlace(isHung: (driveId: DriveId) => boolean): DriveId | undefined {
    const { home } = this;
    if (this.#looked === "nowhere") {
      this.#looked = "home";
      if (home !== null && !isHung(home)) return home;
      this.#lookBeyond();
      if (home !== null) this.#further.push(home);
    }
    this.#lookBeyond();
    const index = this.#further.findIndex((driveId) => !isHung(driveId));
    return this.#further.splice(Math.max(0, index), 1)[0];
  }

  /** Whether there is a place beyond its home where it was not looked for. */
  hasFurtherPlace(): boolean {
    this.#lookBeyond();
    return this.#further.length > 0;
  }

  /** Its places may have changed. */
  startOver(): void {
    this.isRuledOut = false;
    this.tryAgain();
  }

  /** Who did not answer may do so now. */
  tryAgain(): void {
    if (this.state !== "gone" || this.isRuledOut) return;
    this.state = "idle";
    this.#looked = "nowhere";
  }

  #lookBeyond(): void {
    if (this.#looked === "beyond") return;
    this.#looked = "beyond";
    this.#further = [...this.#places.beyondHome(this.index)];
  }
}
