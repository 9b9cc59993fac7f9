import { mix32 } from "./mix.ts";
import type { Roster } from "./make-roster.ts";
import type { Share } from "./share-slots.ts";
import type { WorkingTable } from "./working-table.ts";

/**
 * Hands slots of those that have too many (vacant homes first) straight to drives that have too few, where a group has no shard
 * in their domain yet. Who gets a slot is drawn by weighted rendezvous, the weight being what the drive lacks: so the partners
 * of a drive are spread over all others, and each has a part in its rebuild. What finds no taker is left to `evenOut`.
 */
export function fillShares(table: WorkingTable, roster: Roster, shares: readonly Share[]): void {
  const lacking = shares.map(({ slots }, drive) => slots - table.countOf(drive));
  /** Those that lack any, as a list that shrinks: most drives of a grown cluster lack none. */
  const takers = lacking.flatMap((count, drive) => (count > 0 ? [drive] : []));
  const givers = [table.vacant, ...roster.drives.keys()];
  for (const giver of givers) {
    let surplus = table.countOf(giver) - (shares[giver]?.slots ?? 0);
    if (surplus <= 0) continue;
    for (const group of inDrawnOrder(table.groupsOf(giver), roster.hashes[giver] ?? 0)) {
      if (surplus === 0 || takers.length === 0) break;
      const taker = drawTaker(takers, { group, giver, lacking, table, roster });
      if (taker === null) continue;
      table.replace(group, giver, taker);
      surplus -= 1;
      lacking[taker]! -= 1;
      if (lacking[taker] === 0) takers.splice(takers.indexOf(taker), 1);
    }
  }
}

/** Which groups a drive gives away must not depend on their numbers: else the low ones would always be on the newest drives. */
function inDrawnOrder(groups: readonly number[], hash: number): number[] {
  const drawn = groups.map((group) => ({ group, draw: mix32(group, hash) }));
  return drawn.sort((a, b) => a.draw - b.draw || a.group - b.group).map(({ group }) => group);
}

interface Slot {
  readonly group: number;
  readonly giver: number;
  readonly lacking: readonly number[];
  readonly table: WorkingTable;
  readonly roster: Roster;
}

/** The taker with the smallest draw; null: the group has shards in the domains of all of them. */
function drawTaker(takers: readonly number[], { group, giver, lacking, table, roster }: Slot): number | null {
  let taker: number | null = null;
  let drawMin = Number.POSITIVE_INFINITY;
  for (const candidate of takers) {
    if (!table.canReplace(group, giver, candidate)) continue;
    const uniform = (mix32(group, roster.hashes[candidate] ?? 0) + 1) / (2 ** 32 + 1);
    const draw = -Math.log(uniform) / (lacking[candidate] ?? 0);
    if (draw >= drawMin) continue;
    drawMin = draw;
    taker = candidate;
  }
  return taker;
}
