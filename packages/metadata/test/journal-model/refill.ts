import { chooseTail, firstIndexToHold, planRefill, type Base } from "../../src/journal/rules.ts";
import { writeBytesMax, type Batch, type Drive, type Live, type World } from "./world.ts";

/** Makes a drive whole up to the end of the chain. */
export function refill(
  world: World,
  drive: Drive,
  journal: { readonly chain: readonly Batch[]; readonly bases: readonly Base[] },
): "whole" | "failed" | "crashed" {
  const { chain, bases } = journal;
  const { dice, broken } = world;
  if (chain.length === 0) return "whole";
  const base = bases.find((known) => drive.bases.some((own) => own.checksum === known.checksum));
  if (base === undefined) drive.bases = [...drive.bases, bases[0] as Base];
  const held = new Set(drive.entries.map((entry) => entry.batch.checksum));
  const baseIndex = firstIndexToHold(chain, base ?? (bases[0] as Base));
  const isFirstLeftOut = broken === "refill without the base's own batch" && (base ?? (bases[0] as Base)).sequence > 0;
  const firstIndex = isFirstLeftOut ? baseIndex + 1 : baseIndex;
  const limits = { firstIndex, writeBytesMax: broken === "believe the page cache" ? 0 : writeBytesMax };
  let start = planRefill(chain, held, limits);
  if (broken === "believe the page cache" && start < chain.length && held.has((chain[start] as Batch).checksum))
    start++;
  for (let at = start; at < chain.length; at += writeBytesMax) {
    const piece = chain.slice(at, at + writeBytesMax);
    if (dice.chance(0.03)) {
      for (const batch of piece) if (dice.chance(0.5)) drive.entries.push({ batch, isDurable: false });
      if (dice.chance(0.4)) return "failed";
      if (dice.chance(0.5)) world.kill();
      else world.cutPower();
      return "crashed";
    }
    for (const batch of piece) drive.entries.push({ batch, isDurable: true });
  }
  drive.isNewcomer = false;
  return "whole";
}

/** A drive that is here and out of the running journal is made whole from one that has everything acknowledged. */
export function rejoin(world: World): void {
  const live = world.live as Live[];
  const answered = world.answered as Batch;
  const outside = world.drives.filter(
    (drive) => drive.isMember && !drive.isAbsent && !live.some((member) => member.drive === drive),
  );
  const source = live.find((member) => member.durable >= answered.sequence);
  if (outside.length === 0 || source === undefined) return;
  const target = world.dice.pick(outside);
  const tail = chooseTail(
    source.drive.entries.map((entry) => entry.batch),
    source.drive.bases,
  );
  if (tail.kind !== "tail") {
    world.violation = "a live drive has a gap";
    return;
  }
  target.promised = Math.max(target.promised, world.term);
  const isWhole = refill(world, target, tail);
  if (isWhole !== "whole") return;
  const durable = (tail.chain.at(-1) as Batch).sequence;
  live.push(world.liveFrom(target, durable));
}

/** The whole drives keep a copy of the view, and give up what came before the copy before. */
export function checkpoint(world: World): void {
  const live = world.live as Live[];
  const answered = world.answered as Batch;
  const whole = live.filter((member) => member.durable >= answered.sequence);
  if (whole.length < world.needed) return;
  for (const { drive } of whole) {
    if (drive.bases.at(-1)?.sequence === answered.sequence) continue;
    drive.bases = [...drive.bases.slice(-1), { sequence: answered.sequence, checksum: answered.checksum }];
    const previous = (drive.bases[0] as Base).sequence;
    drive.entries = drive.entries.filter((entry) => entry.batch.sequence > previous);
    if (world.dice.chance(0.1)) return world.kill();
  }
}
