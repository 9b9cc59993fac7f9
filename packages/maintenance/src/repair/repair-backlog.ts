import { SECOND_MS, type Clock, type DataId, type DriveId } from "@kakera/kernel";
import type { RepairQueue, ShardFinding } from "@kakera/rpc";
import type { Owner } from "../references/body-ref.ts";

/** A chunk that somebody found wanting. What is wrong with it is looked at again when its turn comes. */
export interface RepairItem {
  readonly dataId: DataId;
  readonly chunkIndex: number;
  readonly group: number;
  /** null: not known; a shard's header says it. */
  owner: Owner | null;
  /** Losses of a domain that it bears yet, as far as is known: 0 = the next one loses the chunk. */
  spareShards: number;
  /** Shards whose bytes were found wrong, and where. */
  readonly damaged: Map<number, DriveId>;
  /** Drives that hold shards of it and are not their homes, as the census found. */
  readonly strays: Map<DriveId, Set<number>>;
  /** Monotonic. */
  readonly sinceMs: number;
  notBeforeMs: number;
  /** How often it was tried in vain since it came or the backlog was hurried. */
  triesInVain: number;
  /** How often the backlog had been hurried when the item was last given out. */
  hurriesSeen: number;
}

export type RepairFinding = Pick<RepairItem, "dataId" | "chunkIndex" | "group" | "spareShards"> & {
  readonly owner?: Owner | null;
  readonly damaged?: { readonly shardIndex: number; readonly driveId: DriveId };
  readonly strays?: readonly { readonly shardIndex: number; readonly driveId: DriveId }[];
};

const putOffMsMin = 2 * SECOND_MS;
const neverSeen = -1;
/** What a reader does not know: it met one bad shard of a chunk that should have been whole. */
const spareWhenUnknown = 1;

/**
 * Chunks that wait for repair, those with the fewest shards left first. Bounded: what finds no room is found again by the
 * census. In memory: after a restart the rows of the log, the census and the readers say it all again.
 */
export class RepairBacklog implements RepairQueue {
  readonly #clock: Clock;
  readonly #itemsMax: number;
  readonly #onDamage: () => void;
  readonly #items = new Map<string, RepairItem>();
  #wake: () => void = () => {};
  #hurries = 0;

  constructor(
    parts: { readonly clock: Clock; readonly onDamage: () => void },
    settings: { readonly itemsMax: number },
  ) {
    this.#clock = parts.clock;
    this.#onDamage = parts.onDamage;
    this.#itemsMax = settings.itemsMax;
  }

  /** For readers and the scrub. */
  report({ ref, driveId, why }: ShardFinding): void {
    const { dataId, chunkIndex, group, shardIndex } = ref;
    const finding = { dataId, chunkIndex, group, spareShards: spareWhenUnknown };
    if (why === "missing") return this.add(finding);
    this.#onDamage();
    this.add({ ...finding, damaged: { shardIndex, driveId } });
  }

  add(finding: RepairFinding): void {
    const name = nameOf(finding);
    let item = this.#items.get(name);
    if (item === undefined) {
      if (this.#items.size >= this.#itemsMax && !this.#makeRoom(finding.spareShards)) return;
      const { dataId, chunkIndex, group, spareShards } = finding;
      const sinceMs = this.#clock.monotonicMs();
      item = {
        dataId,
        chunkIndex,
        group,
        spareShards,
        owner: null,
        damaged: new Map(),
        strays: new Map(),
        sinceMs,
        notBeforeMs: sinceMs,
        triesInVain: 0,
        hurriesSeen: this.#hurries,
      };
      this.#items.set(name, item);
    }
    item.owner ??= finding.owner ?? null;
    item.spareShards = Math.min(item.spareShards, finding.spareShards);
    if (finding.damaged !== undefined) learnDamage(item, finding.damaged);
    for (const { driveId, shardIndex } of finding.strays ?? []) {
      const indexes = item.strays.get(driveId) ?? new Set();
      item.strays.set(driveId, indexes.add(shardIndex));
    }
    this.#wake();
  }

  /** The most urgent item that may be tried now; it stays until it is done or put off. */
  next(): RepairItem | null {
    const nowMs = this.#clock.monotonicMs();
    let best: RepairItem | null = null;
    for (const item of this.#items.values()) {
      if (item.notBeforeMs > nowMs || (best !== null && urgencyOf(item) >= urgencyOf(best))) continue;
      best = item;
      if (urgencyOf(best) === 0) break;
    }
    if (best !== null) best.hurriesSeen = this.#hurries;
    return best;
  }

  done(item: RepairItem): void {
    this.#items.delete(nameOf(item));
  }

  /**
   * It cannot be mended now: a home is away, or too few shards are. One that was in hand while a drive came back may have
   * been judged without it: its turn comes again at once.
   */
  putOff(item: RepairItem, byMs: number): void {
    const isJudgedAnew = item.hurriesSeen !== this.#hurries;
    item.notBeforeMs = this.#clock.monotonicMs() + (isJudgedAnew ? 0 : byMs);
  }

  /** As `putOff`, for two seconds at first and for longer each time: a drive may be about to come back, a group about to be where it moves to. */
  putOffAgain(item: RepairItem, byMsMax: number): void {
    this.putOff(item, Math.min(byMsMax, putOffMsMin * 2 ** item.triesInVain));
    item.triesInVain += 1;
  }

  /** Everything may be tried again: a drive came back. */
  hurry(): void {
    this.#hurries++;
    for (const item of this.#items.values()) {
      item.notBeforeMs = 0;
      item.triesInVain = 0;
    }
    this.#wake();
  }

  get waitingCount(): number {
    return this.#items.size;
  }

  /** How long the oldest item has waited; null: none waits. */
  get oldestAgeMs(): number | null {
    let oldestMs: number | null = null;
    for (const { sinceMs } of this.#items.values()) oldestMs = Math.min(oldestMs ?? sinceMs, sinceMs);
    return oldestMs === null ? null : this.#clock.monotonicMs() - oldestMs;
  }

  /** Calls `wake` once, at the next addition. */
  onAddition(wake: () => void): void {
    this.#wake = () => {
      this.#wake = () => {};
      wake();
    };
  }

  /** Whether a less urgent item gave way. */
  #makeRoom(spareShards: number): boolean {
    for (const [name, item] of this.#items) {
      if (urgencyOf(item) <= urgencyOf({ spareShards })) continue;
      this.#items.delete(name);
      return true;
    }
    return false;
  }
}

/** What was judged without knowing it, and so could not be mended, is judged anew at once: two rotten drives would cost a minute each. */
function learnDamage(item: RepairItem, { shardIndex, driveId }: NonNullable<RepairFinding["damaged"]>): void {
  if (item.damaged.get(shardIndex) === driveId) return;
  item.damaged.set(shardIndex, driveId);
  item.notBeforeMs = 0;
  item.hurriesSeen = neverSeen;
}

/** 0 = the next loss loses the chunk. What is lost already, unless a drive comes back, is looked at last. */
function urgencyOf({ spareShards }: Pick<RepairItem, "spareShards">): number {
  return spareShards < 0 ? Infinity : spareShards;
}

function nameOf({ dataId, chunkIndex }: { readonly dataId: DataId; readonly chunkIndex: number }): string {
  return `${dataId}/${chunkIndex}`;
}
