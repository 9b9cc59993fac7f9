import {
  chooseTail,
  copiesNeeded,
  drivesNeededToStart,
  firstIndexToHold,
  genesis,
  judgeCommit,
  nextTerm,
  planRefill,
  type Base,
} from "../src/journal/rules.ts";

/**
 * A random model of the journal over its real decisions (src/journal/rules.ts): drives that are absent, slow, failing, emptied;
 * processes killed and power cut at any step of a commit, a refill or a start. What it leaves out: bytes, files, the view.
 */
export interface Geometry {
  readonly name: string;
  readonly driveCount: number;
  readonly tolerance: number;
}

export const geometries: readonly Geometry[] = [
  { name: "1+0", driveCount: 1, tolerance: 0 },
  { name: "1+1", driveCount: 2, tolerance: 1 },
  { name: "2+1", driveCount: 3, tolerance: 1 },
  { name: "2+2", driveCount: 4, tolerance: 2 },
  { name: "4+2", driveCount: 6, tolerance: 2 },
];

/** Rules that can be broken on purpose, to see that the model would notice. */
export type BrokenRule =
  | "acknowledge with fewer copies"
  | "start with any drive"
  | "use a term before it is promised"
  | "answer before the tail is copied"
  | "believe the page cache"
  | "count a drive that has a gap"
  | "count a drive that is being refilled"
  | "go on after an undecided batch"
  | "refill without the base's own batch";

export interface Violation {
  readonly seed: number;
  readonly what: string;
}

interface Batch {
  readonly term: number;
  readonly sequence: number;
  readonly before: string;
  readonly checksum: string;
  readonly bytes: number;
}

interface Entry {
  readonly batch: Batch;
  /** false: readable at best until the power goes. */
  isDurable: boolean;
}

interface Drive {
  readonly isMember: boolean;
  isAbsent: boolean;
  /** Empty, or not whole again since it was emptied: it does not count. */
  isNewcomer: boolean;
  entries: Entry[];
  bases: Base[];
  promised: number;
}

interface Live {
  readonly drive: Drive;
  durable: number;
  queue: Batch[];
}

const writeBytesMax = 2;
const stepsPerHistory = 26;
let serial = 0;

/** One history; null when every acknowledged batch, and everything that was once answered, was still there at each start. */
export function runHistory(seed: number, geometry: Geometry, broken: BrokenRule | null): Violation | null {
  const history = new History(seed, geometry, broken);
  const what = history.run();
  return what === null ? null : { seed, what };
}

class History {
  #random: number;
  readonly #geometry: Geometry;
  readonly #broken: BrokenRule | null;
  readonly #drives: Drive[];
  readonly #needed: number;
  /** null: no process runs, or it waits for drives. */
  #live: Live[] | null = null;
  #term = 0;
  #last: Batch | null = null;
  /** The last batch that anybody was told of, directly or by an answer that rests on it. */
  #answered: Batch | null = null;
  #isBeyondTolerance = false;
  #wasFormed = false;
  #violation: string | null = null;
  /** Nothing goes wrong any more. */
  #isCalm = false;

  constructor(seed: number, geometry: Geometry, broken: BrokenRule | null) {
    this.#random = (seed * 0x9e3779b1) >>> 0;
    this.#geometry = geometry;
    this.#broken = broken;
    this.#needed = copiesNeeded(geometry.driveCount, geometry.tolerance);
    this.#drives = Array.from({ length: geometry.driveCount }, (_, index) => ({
      isMember: index < geometry.tolerance + 2,
      isAbsent: false,
      isNewcomer: false,
      entries: [],
      bases: [genesis],
      promised: 0,
    }));
  }

  run(): string | null {
    for (let step = 0; step < stepsPerHistory && this.#violation === null; step++) this.#step();
    // In the end every drive that is not lost comes back, and all that was told must be there.
    if (this.#violation === null) {
      this.#powerCut();
      for (const drive of this.#drives) drive.isAbsent = false;
      this.#isCalm = true;
      this.#start();
      if (this.#live === null && !this.#isBeyondTolerance && this.#violation === null)
        this.#violation = "does not start though every drive is there";
    }
    return this.#violation;
  }

  #step(): void {
    const roll = this.#fraction();
    if (this.#live === null) {
      if (roll < 0.6) this.#start();
      else if (roll < 0.8) this.#returnDrive();
      else if (roll < 0.9) this.#loseDrive();
      else this.#powerCut();
    } else if (roll < 0.52) this.#commit();
    else if (roll < 0.62) this.#advanceSlow();
    else if (roll < 0.7) this.#loseDrive();
    else if (roll < 0.78) this.#returnDrive();
    else if (roll < 0.84) this.#rejoin();
    else if (roll < 0.88) this.#checkpoint();
    else if (roll < 0.94) this.#kill();
    else this.#powerCut();
  }

  #commit(): void {
    const live = this.#live as Live[];
    const last = this.#last as Batch;
    const needed =
      this.#broken === "acknowledge with fewer copies"
        ? Math.max(1, Math.min(this.#needed, live.length))
        : this.#needed;
    if (live.length < needed) return;
    const batch = this.#batchAfter(last, this.#term);
    this.#last = batch;
    for (const member of live) member.queue.push(batch);
    for (;;) {
      let [durable, pending] = [0, 0];
      for (const member of this.#live as Live[]) {
        if (member.durable >= batch.sequence) durable++;
        else pending++;
      }
      const verdict = judgeCommit({ durable, pending, needed });
      if (verdict === "acknowledge") {
        this.#answered = batch;
        return;
      }
      if (verdict === "undecided") {
        if (this.#broken !== "go on after an undecided batch") this.#live = null;
        else for (const member of this.#live as Live[]) member.queue = [];
        return;
      }
      if (this.#chance(0.03)) return this.#chance(0.5) ? this.#kill() : this.#powerCut();
      this.#write(this.#pick((this.#live as Live[]).filter((member) => member.durable < batch.sequence)));
    }
  }

  /** One write of one member: what waits for it, as far as one write takes it. */
  #write(member: Live): void {
    const batches = member.queue.splice(0, writeBytesMax);
    if (batches.length === 0) return;
    if (this.#chance(0.04)) {
      // The write fails: readable, perhaps, for a while. The drive is out.
      for (const batch of batches) if (this.#chance(0.5)) member.drive.entries.push({ batch, isDurable: false });
      this.#drop(member);
      return;
    }
    for (const batch of batches) member.drive.entries.push({ batch, isDurable: true });
    member.durable = (batches.at(-1) as Batch).sequence;
  }

  #advanceSlow(): void {
    for (const member of this.#live as Live[]) if (member.queue.length > 0 && this.#chance(0.5)) this.#write(member);
    // A member that fell too far behind is let go. (The broken rule forgets what it lacks and goes on with it.)
    for (const member of (this.#live as Live[]).slice()) {
      if (member.queue.length <= 3) continue;
      if (this.#broken === "count a drive that has a gap") member.queue = [];
      else this.#drop(member);
    }
  }

  #drop(member: Live): void {
    const live = this.#live as Live[];
    live.splice(live.indexOf(member), 1);
  }

  /** A drive that is here and out of the running journal is made whole from one that has everything acknowledged. */
  #rejoin(): void {
    const live = this.#live as Live[];
    const answered = this.#answered as Batch;
    const outside = this.#drives.filter(
      (drive) => drive.isMember && !drive.isAbsent && !live.some((member) => member.drive === drive),
    );
    const source = live.find((member) => member.durable >= answered.sequence);
    if (outside.length === 0 || source === undefined) return;
    const target = this.#pick(outside);
    const tail = chooseTail(
      source.drive.entries.map((entry) => entry.batch),
      source.drive.bases,
    );
    if (tail.kind !== "tail") {
      this.#violation = "a live drive has a gap";
      return;
    }
    target.promised = Math.max(target.promised, this.#term);
    const isWhole = this.#refill(target, tail.chain, tail.bases);
    if (isWhole !== "whole") return;
    const durable = (tail.chain.at(-1) as Batch).sequence;
    live.push({ drive: target, durable, queue: [] });
  }

  #checkpoint(): void {
    const live = this.#live as Live[];
    const answered = this.#answered as Batch;
    const whole = live.filter((member) => member.durable >= answered.sequence);
    if (whole.length < this.#needed) return;
    for (const { drive } of whole) {
      if (drive.bases.at(-1)?.sequence === answered.sequence) continue;
      drive.bases = [...drive.bases.slice(-1), { sequence: answered.sequence, checksum: answered.checksum }];
      const previous = (drive.bases[0] as Base).sequence;
      drive.entries = drive.entries.filter((entry) => entry.batch.sequence > previous);
      if (this.#chance(0.1)) return this.#kill();
    }
  }

  #start(): void {
    const { driveCount, tolerance } = this.#geometry;
    const members = this.#drives.filter((drive) => drive.isMember && !drive.isAbsent);
    const batches = members.flatMap((drive) => drive.entries.map((entry) => entry.batch));
    const tail = chooseTail(
      batches,
      members.flatMap((drive) => drive.bases),
    );
    const counts = (drive: Drive): boolean =>
      !drive.isAbsent && (!drive.isNewcomer || this.#broken === "count a drive that is being refilled");
    const present = this.#drives.filter(counts).length;
    const neededToStart = this.#broken === "start with any drive" ? 1 : drivesNeededToStart(driveCount, tolerance);
    if (this.#wasFormed ? present < neededToStart : present < driveCount) return;
    if (tail.kind === "damaged" || (tail.kind === "empty" && this.#wasFormed)) {
      if (!this.#isBeyondTolerance) this.#violation = `refuses to start (${tail.kind}) within its tolerance`;
      return;
    }
    const chain = tail.kind === "tail" ? tail.chain : [];
    const bases = tail.kind === "tail" ? tail.bases : [genesis];
    const promises = this.#broken === "use a term before it is promised" ? [] : members.map((drive) => drive.promised);
    const term = nextTerm(promises, batches);
    let promisedCount = 0;
    for (const drive of members) {
      if (this.#chance(0.04)) return this.#kill();
      if (this.#chance(0.02)) continue;
      drive.promised = term;
      promisedCount++;
    }
    if (promisedCount < this.#needed) return;
    const joined: Drive[] = [];
    for (const drive of members) {
      if (drive.promised !== term) continue;
      if (this.#broken !== "answer before the tail is copied") {
        const outcome = this.#refill(drive, chain, bases);
        if (outcome === "crashed") return;
        if (outcome === "failed") continue;
      }
      joined.push(drive);
    }
    if (joined.length < this.#needed) return;
    const opening = this.#batchAfter(chain.at(-1) ?? null, term);
    const opened: Live[] = [];
    for (const drive of joined) {
      if (this.#chance(0.05)) return this.#chance(0.5) ? this.#kill() : this.#powerCut();
      if (this.#chance(0.03)) {
        drive.entries.push({ batch: opening, isDurable: false });
        continue;
      }
      drive.entries.push({ batch: opening, isDurable: true });
      opened.push({ drive, durable: opening.sequence, queue: [] });
    }
    if (opened.length < this.#needed) return;
    this.#checkAnswered(chain, bases);
    [this.#live, this.#term, this.#last, this.#answered, this.#wasFormed] = [opened, term, opening, opening, true];
  }

  #refill(drive: Drive, chain: readonly Batch[], bases: readonly Base[]): "whole" | "failed" | "crashed" {
    const first = chain[0];
    if (first === undefined) return "whole";
    const base = bases.find((known) => drive.bases.some((own) => own.checksum === known.checksum));
    if (base === undefined) drive.bases = [...drive.bases, bases[0] as Base];
    const held = new Set(drive.entries.map((entry) => entry.batch.checksum));
    const baseIndex = firstIndexToHold(chain, base ?? (bases[0] as Base));
    const isFirstLeftOut =
      this.#broken === "refill without the base's own batch" && (base ?? (bases[0] as Base)).sequence > 0;
    const firstIndex = isFirstLeftOut ? baseIndex + 1 : baseIndex;
    const limits = { firstIndex, writeBytesMax: this.#broken === "believe the page cache" ? 0 : writeBytesMax };
    let start = planRefill(chain, held, limits);
    if (this.#broken === "believe the page cache" && start < chain.length && held.has((chain[start] as Batch).checksum))
      start++;
    for (let at = start; at < chain.length; at += writeBytesMax) {
      const piece = chain.slice(at, at + writeBytesMax);
      if (this.#chance(0.03)) {
        for (const batch of piece) if (this.#chance(0.5)) drive.entries.push({ batch, isDurable: false });
        if (this.#chance(0.4)) return "failed";
        if (this.#chance(0.5)) this.#kill();
        else this.#powerCut();
        return "crashed";
      }
      for (const batch of piece) drive.entries.push({ batch, isDurable: true });
    }
    drive.isNewcomer = false;
    return "whole";
  }

  #checkAnswered(chain: readonly Batch[], bases: readonly Base[]): void {
    const answered = this.#answered;
    if (answered === null) return;
    const first = chain[0];
    const isThere =
      bases.some((base) => base.checksum === answered.checksum) ||
      (first !== undefined &&
        (answered.sequence < first.sequence ||
          chain[answered.sequence - first.sequence]?.checksum === answered.checksum));
    if (!isThere) this.#violation = `batch ${answered.sequence} of term ${answered.term} was acknowledged and is gone`;
  }

  /** The process dies; the machine goes on. What was being written may be readable and is not durable. */
  #kill(): void {
    for (const member of this.#live ?? []) {
      for (const batch of member.queue.splice(0, writeBytesMax))
        if (this.#chance(0.5)) member.drive.entries.push({ batch, isDurable: false });
    }
    this.#live = null;
  }

  /** What is not durable is there or is not, each batch for itself. */
  #powerCut(): void {
    this.#kill();
    for (const drive of this.#drives) {
      drive.entries = drive.entries.filter((entry) => entry.isDurable || this.#chance(0.5));
      for (const entry of drive.entries) entry.isDurable = true;
    }
  }

  #loseDrive(): void {
    const drive = this.#pick(this.#drives);
    const isEmptied = this.#chance(0.3);
    // One history in some goes beyond what is tolerated: then the journal may refuse to start, and must still not lie.
    const lost = this.#drives.filter((other) => other !== drive && (other.isAbsent || other.isNewcomer)).length;
    if (lost >= this.#geometry.tolerance && !this.#chance(0.1)) return;
    if (lost >= this.#geometry.tolerance) this.#isBeyondTolerance = true;
    const member = this.#live?.find((one) => one.drive === drive);
    if (member !== undefined) this.#drop(member);
    if (isEmptied && this.#wasFormed)
      Object.assign(drive, { entries: [], bases: [], promised: 0, isNewcomer: drive.isMember });
    else drive.isAbsent = true;
  }

  #returnDrive(): void {
    const absent = this.#drives.filter((drive) => drive.isAbsent);
    if (absent.length > 0) this.#pick(absent).isAbsent = false;
  }

  #batchAfter(last: Batch | null, term: number): Batch {
    return {
      term,
      sequence: (last?.sequence ?? 0) + 1,
      before: last?.checksum ?? genesis.checksum,
      checksum: `b${serial++}`,
      bytes: 1,
    };
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#fraction() * from.length)] as T;
  }

  #chance(probability: number): boolean {
    return !this.#isCalm && this.#fraction() < probability;
  }

  /** mulberry32, inlined: half of the model's time would go into a Random port otherwise. */
  #fraction(): number {
    this.#random = (this.#random + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#random ^ (this.#random >>> 15), this.#random | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
