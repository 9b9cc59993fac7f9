import type { DriveId, FailureKind, ReasonCode } from "@kakera/kernel";

/** One of a chunk's k+m shards, as far as it has come. */
export interface ShardState {
  /** `declared`: its home is down, suspect, gone or vacant in the log, so the shard may be left out. */
  readonly home: "member" | "declared";
  /**
   * - `none`: nowhere under way
   * - `pending`, `late`: on its way to a drive in `domain`; late ones are no longer waited for
   * - `durable`: a drive in `domain` gave its receipt
   * - `failed`: no drive took it so far; `full`: its home has no room
   */
  readonly progress: "none" | "pending" | "late" | "durable" | "failed" | "full";
  /** The failure domain where it is or will be; only for `pending` and `durable`. */
  readonly domain: string | null;
}

/** A drive that could take a shard: member, online, and not found slow or failing by this write. */
export interface Candidate {
  readonly driveId: DriveId;
  readonly domain: string;
}

export interface WriteRule {
  readonly k: number;
  /** `available`: accept k receipts when nothing better is possible; `strict`: refuse then. */
  readonly quorum: "available" | "strict";
}

interface ShardPlacement {
  readonly shardIndex: number;
  readonly driveId: DriveId;
}

export type Verdict =
  | { readonly kind: "wait" }
  /** Send these shards to these drives as well. */
  | { readonly kind: "substitute"; readonly placements: readonly ShardPlacement[] }
  /** Nobody can stand in for these shards: their homes are to be declared in the log, and then this is judged again. */
  | { readonly kind: "declare"; readonly shardIndexes: readonly number[] }
  /**
   * Durable as promised, `lacking` the shards of declared homes. `full`: k+m shards in as many domains; `no-spare`: the loss
   * of one domain loses the chunk.
   */
  | {
      readonly kind: "acknowledge";
      readonly lacking: readonly number[];
      readonly strength: "full" | "reduced" | "no-spare";
    }
  | { readonly kind: "refuse"; readonly failure: FailureKind; readonly reason: ReasonCode };

/**
 * What is to be done about a chunk's write now: the whole of architecture.md section 5's acknowledgement rule (F5), as a
 * function of what is known. Every shard must be durable at its home or on a substitute in a domain of its own; only a
 * declared home may lack one, and then substitutes double up where the loss of any one domain would otherwise leave
 * fewer than k.
 */
export function judgeWrite(shards: readonly ShardState[], candidates: readonly Candidate[], rule: WriteRule): Verdict {
  const open = indexesOf(shards, (shard) => shard.domain === null || !isExpected(shard));
  const expected = new DomainCounts(shards);
  const isPending = shards.some((shard) => shard.progress === "pending");
  if (open.length === 0 && isPending) return { kind: "wait" };
  if (open.length === 0 && !expected.isDoubled) return { kind: "acknowledge", lacking: [], strength: "full" };

  const placements = placeOnFreeDomains(open, expected, candidates);
  if (placements.length > 0) return { kind: "substitute", placements };
  const undeclared = open.filter((index) => shards[index]?.home === "member");
  if (undeclared.some((index) => shards[index]?.progress === "full")) return refuse("full", "DRIVE_FULL");
  // Nobody is declared for a write that cannot be saved by it: when all are slow, none is to blame.
  if (expected.total < rule.k) return refuse("retry", "QUORUM_LOST");
  if (undeclared.length > 0) return { kind: "declare", shardIndexes: undeclared };

  const hasSpare = expected.leftAfterAnyLoss >= rule.k;
  if (!hasSpare) {
    const doubled = doubleUp(open, expected, { candidates, k: rule.k });
    if (doubled !== null) return { kind: "substitute", placements: doubled };
    if (rule.quorum === "strict") return refuse("retry", "TOLERANCE_ZERO");
  }
  if (isPending) return { kind: "wait" };
  return { kind: "acknowledge", lacking: open, strength: hasSpare ? "reduced" : "no-spare" };
}

function isExpected(shard: ShardState): boolean {
  return shard.progress === "pending" || shard.progress === "durable";
}

/** At most one placement for each open shard, each in a domain that holds and expects no other shard of the chunk. */
function placeOnFreeDomains(
  open: readonly number[],
  expected: DomainCounts,
  candidates: readonly Candidate[],
): ShardPlacement[] {
  const placements: ShardPlacement[] = [];
  const taken = new Set<string>();
  for (const shardIndex of open) {
    const candidate = candidates.find(({ domain }) => expected.of(domain) === 0 && !taken.has(domain));
    if (candidate === undefined) break;
    taken.add(candidate.domain);
    placements.push({ shardIndex, driveId: candidate.driveId });
  }
  return placements;
}

/** The fewest doubled-up substitutes after which any one domain may be lost; null when no number of them is enough. */
function doubleUp(
  open: readonly number[],
  expected: DomainCounts,
  { candidates, k }: { candidates: readonly Candidate[]; k: number },
): ShardPlacement[] | null {
  const counts = expected.copy();
  const placements: ShardPlacement[] = [];
  for (const shardIndex of open) {
    const emptiest = candidates.reduce<Candidate | null>(
      (best, next) => (best === null || counts.of(next.domain) < counts.of(best.domain) ? next : best),
      null,
    );
    if (emptiest === null) return null;
    counts.add(emptiest.domain);
    placements.push({ shardIndex, driveId: emptiest.driveId });
    if (counts.leftAfterAnyLoss >= k) return placements;
  }
  return null;
}

class DomainCounts {
  readonly #counts = new Map<string, number>();
  total = 0;

  constructor(shards: readonly ShardState[]) {
    for (const shard of shards) if (shard.domain !== null && isExpected(shard)) this.add(shard.domain);
  }

  /** Shards that remain in the worst case when one domain is lost. */
  get leftAfterAnyLoss(): number {
    return this.total - Math.max(0, ...this.#counts.values());
  }

  get isDoubled(): boolean {
    return this.#counts.size < this.total;
  }

  of(domain: string): number {
    return this.#counts.get(domain) ?? 0;
  }

  add(domain: string): void {
    this.total++;
    this.#counts.set(domain, this.of(domain) + 1);
  }

  copy(): DomainCounts {
    const copy = new DomainCounts([]);
    copy.total = this.total;
    for (const [domain, count] of this.#counts) copy.#counts.set(domain, count);
    return copy;
  }
}

function indexesOf(shards: readonly ShardState[], holds: (shard: ShardState) => boolean): number[] {
  const indexes: number[] = [];
  for (const [index, shard] of shards.entries()) if (holds(shard)) indexes.push(index);
  return indexes;
}

function refuse(failure: FailureKind, reason: ReasonCode): Verdict {
  return { kind: "refuse", failure, reason };
}
