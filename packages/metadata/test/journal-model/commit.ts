import { judgeCommit } from "../../src/journal/rules.ts";
import { writeBytesMax, type Batch, type Live, type World } from "./world.ts";

/** Batches that wait for one slow drive; beyond them it is let go. */
const backlogMax = 1;

/** One batch, until it is decided or the process is gone. */
export function commit(world: World): void {
  const { dice, broken } = world;
  const live = world.live as Live[];
  const needed =
    broken === "acknowledge with fewer copies" ? Math.max(1, Math.min(world.needed, live.length)) : world.needed;
  if (live.length < needed) return;
  const batch = world.batchAfter(world.last, world.term);
  world.last = batch;
  for (const member of live) member.queue.push(batch);
  if (broken === "note a batch before it is acknowledged") note(world, batch);
  for (;;) {
    let [durable, pending] = [0, 0];
    for (const member of world.live as Live[]) {
      if (member.durable >= batch.sequence) durable++;
      else pending++;
    }
    const verdict = judgeCommit({ durable, pending, needed });
    if (verdict === "acknowledge") {
      world.answered = batch;
      if (dice.chance(0.6)) note(world, batch);
      return;
    }
    if (verdict === "undecided") {
      if (broken !== "go on after an undecided batch") world.live = null;
      else for (const member of world.live as Live[]) member.queue = [];
      return;
    }
    if (dice.chance(0.03)) return dice.chance(0.5) ? world.kill() : world.cutPower();
    const behind = (world.live as Live[]).filter((member) => member.durable < batch.sequence);
    const quick = behind.filter((member) => !member.isSlow);
    write(world, dice.pick(quick.length > 0 ? quick : behind));
  }
}

/** What waits for slow drives reaches them, or they are let go. */
export function advanceSlow(world: World): void {
  for (const member of (world.live as Live[]).slice())
    if (member.queue.length > 0 && world.dice.chance(0.3)) write(world, member);
  // A member that fell too far behind is let go. (The broken rule forgets what it lacks and goes on with it.)
  for (const member of (world.live as Live[]).slice()) {
    if (member.queue.length <= backlogMax) continue;
    if (world.broken === "count a drive that has a gap") member.queue = [];
    else world.drop(member);
  }
}

/** One write of one member: what waits for it, as far as one write takes it. */
function write(world: World, member: Live): void {
  const batches = member.queue.splice(0, writeBytesMax);
  if (batches.length === 0) return;
  if (world.dice.chance(0.04)) {
    // The write fails: readable, perhaps, for a while. The drive is out.
    for (const batch of batches) if (world.dice.chance(0.5)) member.drive.entries.push({ batch, isDurable: false });
    world.drop(member);
    return;
  }
  for (const batch of batches) member.drive.entries.push({ batch, isDurable: true });
  member.durable = (batches.at(-1) as Batch).sequence;
}

/** Each live drive is told that the batch is acknowledged, unless the process dies on the way. */
function note(world: World, batch: Batch): void {
  for (const { drive } of world.live as Live[]) if (!world.dice.chance(0.2)) drive.noted = batch.checksum;
}
