import { assert } from "@kakera/kernel";

/** One change of one key that somebody asked for. `value`: a label of the content; null: deleted. */
export interface Intent {
  readonly key: string;
  readonly value: string | null;
  readonly begunAt: number;
  acknowledgedAt: number | null;
  /** Order of what happens at one position. */
  readonly begunTick: number;
  acknowledgedTick: number;
  /** From here on it has certainly not been done, and never will be. */
  refusedAt: number | null;
}

/**
 * What clients asked for and what they were told, kept outside the system under test, in positions of its history. Each key is a register:
 * after a crash it must read as some change that is not known to have been overwritten.
 */
export class Ledger {
  readonly #position: () => number;
  readonly #intents = new Map<string, Intent[]>();
  #tick = 0;

  constructor(position: () => number) {
    this.#position = position;
  }

  begin(key: string, value: string | null): Intent {
    const begunAt = this.#position();
    const begunTick = this.#tick++;
    const intent = {
      key,
      value,
      begunAt,
      begunTick,
      acknowledgedAt: null,
      acknowledgedTick: Infinity,
      refusedAt: null,
    };
    const ofKey = this.#intents.get(key);
    if (ofKey === undefined) this.#intents.set(key, [intent]);
    else ofKey.push(intent);
    return intent;
  }

  acknowledge(intent: Intent): void {
    assert(isOpen(intent), "an intent is decided once");
    intent.acknowledgedAt = this.#position();
    intent.acknowledgedTick = this.#tick++;
  }

  /** It was refused for good, so that nobody may ever see it. */
  refuse(intent: Intent): void {
    assert(isOpen(intent), "an intent is decided once");
    intent.refusedAt = intent.begunAt;
  }

  /**
   * Everything was read after a recovery: what was seen must stay. It decides changes whose outcome was not known.
   * Returns a sentence for each key that reads as it must not.
   */
  observe(seen: ReadonlyMap<string, string>): string[] {
    const wrong = this.judge(seen, this.#position());
    for (const [key, intents] of this.#intents) {
      this.#acceptShown(key, seen.get(key) ?? null);
      for (const intent of intents) if (isOpen(intent)) intent.refusedAt = this.#position();
    }
    return wrong;
  }

  /**
   * A client read one key, with no change of it under way: what it saw must stay. A change that it did not see, and whose outcome was not
   * known, may still come to pass with the next recovery. Returns as `observe`.
   */
  show(key: string, value: string | null): string[] {
    const wrong = this.#judgeOne(key, { value, position: this.#position() });
    this.#acceptShown(key, value);
    return wrong;
  }

  get keys(): readonly string[] {
    return [...this.#intents.keys()];
  }

  /** How many changes had been acknowledged. */
  acknowledgedBefore(position: number): number {
    const all = [...this.#intents.values()].flat();
    return all.filter((intent) => intent.acknowledgedAt !== null && intent.acknowledgedAt <= position).length;
  }

  /** The values that `key` may have after a crash at `position`; null among them: it may be absent. */
  allowedAt(key: string, position: number): Set<string | null> {
    const intents = (this.#intents.get(key) ?? []).filter(
      (intent) => intent.refusedAt === null || position < intent.refusedAt,
    );
    const done = intents.filter((intent) => intent.acknowledgedAt !== null && intent.acknowledgedAt <= position);
    // What is done may have been begun at this very position: a deletion of nothing touches no disk.
    const begun = intents.filter((intent) => intent.begunAt < position || done.includes(intent));
    const lastBegunTick = done.reduce((latest, intent) => Math.max(latest, intent.begunTick), -1);
    // A change that was acknowledged before another was begun, which itself was acknowledged, has been overwritten.
    const allowed = begun.filter((intent) => intent.acknowledgedTick > lastBegunTick);
    return new Set([...(done.length === 0 ? [null] : []), ...allowed.map((intent) => intent.value)]);
  }

  /** What is wrong with what is seen after a crash at `position`: a sentence for each key that reads as it must not. */
  judge(seen: ReadonlyMap<string, string>, position: number): string[] {
    const keys = new Set([...this.keys, ...seen.keys()]);
    return [...keys].flatMap((key) => this.#judgeOne(key, { value: seen.get(key) ?? null, position }));
  }

  #acceptShown(key: string, value: string | null): void {
    const shown = this.#intents.get(key)?.findLast((intent) => isOpen(intent) && intent.value === value);
    if (shown !== undefined) this.acknowledge(shown);
  }

  #judgeOne(key: string, { value, position }: { value: string | null; position: number }): string[] {
    const allowed = this.allowedAt(key, position);
    if (allowed.has(value)) return [];
    const expected = [...allowed].map((each) => each ?? "absent").join(" or ");
    return [`${key} reads ${value ?? "absent"}, not ${expected}`];
  }
}

function isOpen(intent: Intent): boolean {
  return intent.acknowledgedAt === null && intent.refusedAt === null;
}
