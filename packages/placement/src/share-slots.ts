import { assert } from "@kakera/kernel";
import type { Roster } from "./make-roster.ts";

/** Slots of one drive. */
export interface Share {
  /** What it is to hold: its ideal, rounded down or up. */
  readonly slots: number;
  /** What is still near enough when more would cost more than it mends: within 5 % of the ideal, or within one slot. */
  readonly slotsMin: number;
  readonly slotsMax: number;
}

/** How far a drive may be off its ideal for the sake of moving less, in per cent. */
const tolerancePercent = 5n;

/** A whole number and what is missing to the exact one, as remainder / (a denominator that all parts of a list share). */
interface Part {
  readonly index: number;
  readonly floor: number;
  readonly remainder: bigint;
  /** It holds more than its floor by now: to take that away would move data for nothing. */
  readonly holdsMore: boolean;
}

/** Slots for each byte of weight, as a fraction. */
interface Rate {
  readonly slots: bigint;
  readonly weight: bigint;
}

export interface SlotSharing {
  readonly groupCount: number;
  /** k + m. */
  readonly shardCount: number;
  /** Slots (homes) that each drive of the roster holds by now. */
  readonly present: ArrayLike<number>;
}

/**
 * How many slots each drive of the roster is to hold: its ideal share rounded down or up, so that both the drives and their
 * domains are within one slot of their ideal and all slots that can be filled are. Of the roundings that do so, one that
 * keeps what a drive already holds. Ideal: in proportion to weight, but no domain has more than one slot of a group; what
 * a domain is too heavy for is spread over the others in proportion (water-filling). Exact: the arithmetic is in whole numbers.
 */
export function shareSlots(roster: Roster, sharing: SlotSharing): Share[] {
  const rates = ratesOfDomains(roster, sharing);
  const domainParts = rates.map((rate, domain) => {
    const drives = roster.drivesOfDomain[domain] ?? [];
    const present = drives.reduce((sum, drive) => sum + (sharing.present[drive] ?? 0), 0);
    return partOf(rate, { index: domain, weight: roster.domainWeights[domain] ?? 0n, present });
  });
  const domainQuotas = roundTo(slotsOf(roster, sharing), domainParts);
  const shares: Share[] = [];
  for (const [domain, rate] of rates.entries()) {
    const drives = roster.drivesOfDomain[domain] ?? [];
    const parts = drives.map((drive) =>
      partOf(rate, { index: drive, weight: roster.weights[drive] ?? 0n, present: sharing.present[drive] ?? 0 }),
    );
    for (const [drive, slots] of roundTo(domainQuotas.get(domain) ?? 0, parts))
      shares[drive] = shareOf(rate, { slots, weight: roster.weights[drive] ?? 0n });
  }
  return shares;
}

/** What is near enough depends on the ideal alone, not on how it was rounded: else a plan that was carried out would not be near. */
function shareOf(rate: Rate, { slots, weight }: { readonly slots: number; readonly weight: bigint }): Share {
  const ideal = rate.slots * weight;
  const least = divideUp(ideal * (100n - tolerancePercent), rate.weight * 100n);
  const most = (ideal * (100n + tolerancePercent)) / (rate.weight * 100n);
  return {
    slots,
    slotsMin: Math.min(Number(ideal / rate.weight), Number(least)),
    slotsMax: Math.max(Number(divideUp(ideal, rate.weight)), Number(most)),
  };
}

function divideUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

/** All slots that can be filled: of each group one in a domain. */
function slotsOf(roster: Roster, { groupCount, shardCount }: SlotSharing): number {
  return groupCount * Math.min(shardCount, roster.drivesOfDomain.length);
}

/** The heaviest domains are capped first: once one fits, all lighter ones do. */
function ratesOfDomains(roster: Roster, sharing: SlotSharing): Rate[] {
  const capSlots = BigInt(sharing.groupCount);
  let slots = BigInt(slotsOf(roster, sharing));
  let weight = roster.domainWeights.reduce((sum, domainWeight) => sum + domainWeight, 0n);
  const rates: Rate[] = [];
  const heaviestFirst = [...roster.domainWeights.entries()].sort(([, a], [, b]) => (a < b ? 1 : a > b ? -1 : 0));
  for (const [domain, domainWeight] of heaviestFirst) {
    const isCapped = slots * domainWeight > capSlots * weight;
    rates[domain] = isCapped ? { slots: capSlots, weight: domainWeight } : { slots, weight };
    if (!isCapped) continue;
    slots -= capSlots;
    weight -= domainWeight;
  }
  return rates;
}

function partOf(rate: Rate, of: { readonly index: number; readonly weight: bigint; readonly present: number }): Part {
  const floor = Number((rate.slots * of.weight) / rate.weight);
  return {
    index: of.index,
    floor,
    remainder: (rate.slots * of.weight) % rate.weight,
    holdsMore: of.present > floor,
  };
}

/** Largest remainder (Hamilton), but those that hold more already come first; ties by index. By index. */
function roundTo(total: number, parts: readonly Part[]): Map<number, number> {
  const quotas = new Map(parts.map(({ index, floor }) => [index, floor]));
  const missing = parts.reduce((left, { floor }) => left - floor, total);
  const candidates = parts.filter(({ remainder }) => remainder > 0n);
  candidates.sort((a, b) => {
    if (a.holdsMore !== b.holdsMore) return a.holdsMore ? -1 : 1;
    if (a.remainder !== b.remainder) return a.remainder > b.remainder ? -1 : 1;
    return a.index - b.index;
  });
  assert(missing >= 0 && missing <= candidates.length, "shares that are rounded up fill what rounding down leaves");
  for (const { index, floor } of candidates.slice(0, missing)) quotas.set(index, floor + 1);
  return quotas;
}
