import { expect } from "vitest";
import type { DriveId } from "@kakera/kernel";
import {
  judgeWrite,
  type Candidate,
  type ShardState,
  type Verdict,
  type WriteRule,
} from "../../src/write-path/judge-write.ts";

export const driveIn = (domain: string): Candidate => ({ driveId: `drive-${domain}` as DriveId, domain });
const homes = ["member", "declared"] as const;
const fresh = driveIn("fresh");
const candidateSets: readonly (readonly Candidate[])[] = [
  [],
  [fresh],
  [driveIn("d0")],
  [driveIn("d0"), driveIn("d1")],
  [driveIn("d1"), fresh],
];

/** Every state that shard `index` can be in: its own domain is d<index>, a doubled-up one is d0. */
function statesOf(index: number): ShardState[] {
  return homes.flatMap((home) => [
    ...(["none", "late", "failed", "full"] as const).map((progress) => ({ home, progress, domain: null })),
    ...(["pending", "durable"] as const).flatMap((progress) =>
      [...new Set([`d${index}`, "d0"])].map((domain) => ({ home, progress, domain })),
    ),
  ]);
}

function* allWrites(shardCount: number): Generator<ShardState[]> {
  if (shardCount === 0) return yield [];
  for (const rest of allWrites(shardCount - 1)) for (const state of statesOf(shardCount - 1)) yield [...rest, state];
}

const isUnderWay = (shard: ShardState): boolean => shard.progress === "pending" || shard.progress === "durable";
const domainsOf = (shards: readonly ShardState[]): string[] =>
  shards.filter(isUnderWay).map((shard) => shard.domain as string);

/** Shards that are left in the worst case when one domain goes. */
function leftAfterAnyLoss(domains: readonly string[]): number {
  return Math.min(...[...domains, "none"].map((lost) => domains.filter((domain) => domain !== lost).length));
}

/** The rule in words, one sentence for each kind of verdict; returns what is wrong with this one, or null. */
function objectionTo(
  verdict: Verdict,
  shards: readonly ShardState[],
  candidates: readonly Candidate[],
  rule: WriteRule,
): string | null {
  const open = shards.flatMap((shard, index) => (isUnderWay(shard) ? [] : [index]));
  const domains = domainsOf(shards);
  const isFree = ({ domain }: Candidate): boolean => !domains.includes(domain);
  const mayLack = (index: number): boolean => shards[index]?.home === "declared";
  switch (verdict.kind) {
    case "acknowledge": {
      if (shards.some(({ progress }) => progress === "pending")) return "a shard is still awaited";
      if (!open.every(mayLack)) return "a member's shard is missing";
      if (domains.length < rule.k) return "fewer than k receipts";
      if (String(verdict.lacking) !== String(open)) return "what is lacking is not said";
      const hasSpare = leftAfterAnyLoss(domains) >= rule.k;
      const isFull = open.length === 0 && new Set(domains).size === domains.length;
      if (verdict.strength === "full") return isFull ? null : "it is not at full strength";
      if ((verdict.strength === "reduced") !== hasSpare || isFull) return "its strength is another";
      return hasSpare || rule.quorum === "available" ? null : "strict writes need a spare";
    }
    case "substitute": {
      const asked = verdict.placements.map(({ shardIndex }) => shardIndex);
      const places = verdict.placements.map(({ driveId }) =>
        candidates.find((candidate) => candidate.driveId === driveId),
      );
      if (asked.length === 0 || new Set(asked).size !== asked.length) return "a shard is placed twice, or none is";
      if (!asked.every((index) => open.includes(index))) return "a shard is placed that is under way";
      if (places.includes(undefined)) return "a drive is no candidate";
      const chosen = (places as Candidate[]).map(({ domain }) => domain);
      if ((places as Candidate[]).every(isFree) && new Set(chosen).size === chosen.length) return null;
      if (candidates.some(isFree)) return "it doubles up though a domain is free";
      if (!open.every(mayLack)) return "it doubles up for a member";
      if (leftAfterAnyLoss(domains) >= rule.k) return "it doubles up for nothing";
      if (leftAfterAnyLoss([...domains, ...chosen.slice(1)]) >= rule.k) return "fewer were enough";
      return leftAfterAnyLoss([...domains, ...chosen]) >= rule.k ? null : "doubling up does not help";
    }
    case "declare":
      if (candidates.some(isFree)) return "a domain is free";
      if (verdict.shardIndexes.length === 0) return "nobody is declared";
      if (domains.length < rule.k) return "it saves nothing";
      return verdict.shardIndexes.every(
        (index) => open.includes(index) && !mayLack(index) && shards[index]?.progress !== "full",
      )
        ? null
        : "who is declared took its shard, is declared already, or is only full";
    case "refuse":
      if (open.length > 0 && candidates.some(isFree)) return "a domain is free";
      if (verdict.reason === "DRIVE_FULL")
        return open.some((index) => !mayLack(index) && shards[index]?.progress === "full") ? null : "no home is full";
      if (verdict.reason === "QUORUM_LOST") return domains.length < rule.k ? null : "k shards are possible";
      if (!open.every(mayLack)) return "a home can be declared first";
      if (verdict.reason !== "TOLERANCE_ZERO" || rule.quorum !== "strict") return "there is no such refusal";
      return leftAfterAnyLoss(domains) < rule.k ? null : "it has a spare";
    case "wait":
      return shards.some(({ progress }) => progress === "pending") ? null : "nothing is awaited";
  }
}

/** Judges every state of so many shards, for each k, with all kinds of candidates, and objects to the first wrong verdict. */
export function judgeAllWrites(shardCount: number, ks: readonly number[]): void {
  let judged = 0;
  const kinds = new Set<string>();
  for (const shards of allWrites(shardCount)) {
    for (const candidates of candidateSets) {
      for (const k of ks) {
        for (const quorum of ["available", "strict"] as const) {
          const verdict = judgeWrite(shards, candidates, { k, quorum });
          const objection = objectionTo(verdict, shards, candidates, { k, quorum });
          if (objection !== null)
            expect.fail(`${objection}: ${JSON.stringify({ shards, candidates, k, quorum, verdict })}`);
          kinds.add(verdict.kind);
          judged++;
        }
      }
    }
  }
  expect(judged).toBeGreaterThan(100);
  // Nobody is declared for a single shard: without it nothing is saved.
  const declaring = shardCount > 1 ? ["declare"] : [];
  expect([...kinds].sort()).toEqual(["acknowledge", ...declaring, "refuse", "substitute", "wait"]);
}
