import { assert } from "@kakera/kernel";
import { Configurations, type Configuration } from "./configurations.ts";
import type { ClientOperation } from "./history.ts";
import { OpenChanges } from "./open-changes.ts";
import { absent, anything, planSteps, unnamed, type Change, type Plan, type Step } from "./plan-steps.ts";

export type Verdict =
  | { readonly kind: "linearizable"; readonly configurationsPeak: number }
  /** No order explains what was answered up to and with `operation`; `possible` says what the keys may have held just before its return. */
  | {
      readonly kind: "violation";
      readonly operation: ClientOperation;
      readonly underWay: readonly ClientOperation[];
      readonly possible: readonly string[];
    }
  /** More configurations than allowed: nothing is known. */
  | { readonly kind: "undecided"; readonly operation: ClientOperation };

export interface CheckOptions {
  /** Configurations that are looked at for one return. */
  readonly configurationsMax?: number;
}

/** Operations with an outcome that are under way at once: bits of one number. */
const underWayMax = 31;
const possibleToldMax = 8;

interface UnderWay {
  readonly step: Step;
  readonly bit: number;
}

/**
 * Whether one order of the operations, each at one moment between its call and its return, explains every answer: all of one
 * bucket, which is empty at first. A LIST sees all its keys at one moment.
 *
 * Wing and Gong's search in the just-in-time form of Lowe ("Testing for linearizability", 2017): all configurations are carried along
 * the time, an operation takes effect in them when its return or that of another asks for it, and those that are needless are
 * dropped at once. So a history without an order is found at its first wrong answer, and takes no longer than one with an order.
 */
export function checkHistory(operations: readonly ClientOperation[], options: CheckOptions = {}): Verdict {
  const plan = planSteps(operations);
  const search = new Search(plan, options.configurationsMax ?? 200_000);
  for (const event of eventsOf(plan)) {
    if (event.kind === "call") search.call(event.step);
    else {
      const verdict = search.return(event.step);
      if (verdict !== null) return verdict;
    }
  }
  return { kind: "linearizable", configurationsPeak: search.peak };
}

class Search {
  readonly #plan: Plan;
  readonly #configurationsMax: number;
  readonly #underWay = new Map<Step, UnderWay>();
  readonly #open = new OpenChanges();
  #bitsFree = Array.from({ length: underWayMax }, (_, index) => 1 << index);
  #now = new Configurations();
  peak = 1;

  constructor(plan: Plan, configurationsMax: number) {
    this.#plan = plan;
    this.#configurationsMax = configurationsMax;
    this.#now.add({ state: plan.keys.map(() => absent), settled: 0, spent: 0, spentOpen: 0n });
  }

  call(step: Step): void {
    if (step.operation.returnAt === Infinity) {
      assert(step.effect.kind === "change", "a read without an answer tells nothing");
      this.#open.add(step.effect);
      return;
    }
    const bit = this.#bitsFree.pop();
    assert(bit !== undefined, `at most ${underWayMax} operations with an outcome are under way at once`);
    this.#underWay.set(step, { step, bit });
    const now = new Configurations();
    for (const configuration of this.#now) now.add(this.#settle(configuration));
    this.#now = now;
  }

  /** null: it is explained. */
  return(step: Step): Verdict | null {
    const returning = this.#underWay.get(step) as UnderWay;
    const after = this.#explain(returning);
    if (after === null) return { kind: "undecided", operation: step.operation };
    this.#underWay.delete(step);
    this.#bitsFree.push(returning.bit);
    if (after.size === 0) return this.#violation(step);
    this.#now = after;
    this.peak = Math.max(this.peak, after.size);
    const { effect } = step;
    if (effect.kind === "observation" && effect.key !== null && effect.saw !== null)
      this.#open.drop({ key: effect.key, value: effect.saw });
    return null;
  }

  /** The configurations in which it may return, without its bit; null when there are too many to look at. */
  #explain({ bit, step }: UnderWay): Configurations | null {
    const [known, after] = [new Configurations(), new Configurations()];
    const queue: Configuration[] = [];
    const meet = (configuration: Configuration): void => {
      if (known.add(configuration)) queue.push(configuration);
    };
    for (const configuration of this.#now) meet(configuration);
    // Breadth first: what needs the fewest changes comes first, and makes the rest needless.
    for (let at = 0; at < queue.length; at++) {
      if (at > this.#configurationsMax) return null;
      const configuration = queue[at] as Configuration;
      const isSettled = (configuration.settled & bit) !== 0;
      if (isSettled)
        after.add({ ...configuration, settled: configuration.settled & ~bit, spent: configuration.spent & ~bit });
      // A change that may return without anybody having seen it may also be seen, and this is the last time.
      const mayStill = step.effect.kind === "change" ? (configuration.spent & bit) === 0 : !isSettled;
      if (mayStill) for (const next of this.#followers(configuration, step)) meet(next);
    }
    return after;
  }

  /** By one change more. Changes of other keys can wait, unless somebody who sees all keys has yet to see them. */
  *#followers(configuration: Configuration, returning: Step): Generator<Configuration> {
    const only = this.#isListWaiting(configuration) ? null : returning.effect.key;
    for (const { step, bit } of this.#underWay.values()) {
      const { effect } = step;
      if (effect.kind !== "change" || (configuration.spent & bit) !== 0) continue;
      if (only !== null && effect.key !== only) continue;
      const content = configuration.state[effect.key];
      if (content === effect.writes || (effect.requires !== anything && effect.requires !== content)) continue;
      const { settled, spent } = configuration;
      yield this.#changed({ ...configuration, settled: settled | bit, spent: spent | bit }, effect);
    }
    for (let key = 0; key < configuration.state.length; key++) {
      if (only !== null && key !== only) continue;
      const { spentOpen } = configuration;
      const content = configuration.state[key] as number;
      for (const { change, bit } of this.#open.possible(key, { content, spent: spentOpen }))
        yield this.#changed({ ...configuration, spentOpen: spentOpen | bit }, change);
    }
  }

  #changed(configuration: Configuration, change: Change): Configuration {
    let { settled } = configuration;
    // A write that another one hides at once is seen by nobody: it may return, and need not have taken effect there.
    for (const { step, bit } of this.#underWay.values()) {
      const { effect } = step;
      if (effect.kind !== "change" || effect.key !== change.key || effect.requires !== anything) continue;
      if (change.requires === anything || change.requires === effect.writes) settled |= bit;
    }
    return this.#settle({ ...configuration, settled, state: configuration.state.with(change.key, change.writes) });
  }

  /**
   * Whoever may see this state has seen it, and whoever would write what is there may have done it: neither changes anything. The
   * latter may still do it later instead.
   */
  #settle(configuration: Configuration): Configuration {
    const { state } = configuration;
    let { settled } = configuration;
    for (const { step, bit } of this.#underWay.values()) {
      if ((settled & bit) !== 0) continue;
      const { effect } = step;
      if (effect.kind === "observation" ? effect.isAllowed(state) : isThereAlready(effect, state)) settled |= bit;
    }
    return settled === configuration.settled ? configuration : { ...configuration, settled };
  }

  #isListWaiting({ settled }: Configuration): boolean {
    for (const { step, bit } of this.#underWay.values())
      if (step.effect.key === null && (settled & bit) === 0) return true;
    return false;
  }

  #violation(step: Step): Verdict {
    const names = new Map<number, string>();
    for (const { operation, effect } of this.#plan.steps)
      if (operation.kind === "put" && effect.kind === "change") names.set(effect.writes, operation.value);
    const tell = (value: number): string =>
      value === absent ? "nothing" : value === unnamed ? "a value" : (names.get(value) ?? "?");
    const told = new Set<string>();
    for (const { state } of this.#now)
      told.add(this.#plan.keys.map((key, index) => `${key}: ${tell(state[index] as number)}`).join(", "));
    return {
      kind: "violation",
      operation: step.operation,
      underWay: [...this.#underWay.keys()].map(({ operation }) => operation),
      possible: [...told].slice(0, possibleToldMax),
    };
  }
}

function isThereAlready(change: Change, state: readonly number[]): boolean {
  return change.requires === anything && state[change.key] === change.writes;
}

interface HistoryEvent {
  readonly kind: "call" | "return";
  readonly at: number;
  readonly step: Step;
}

/** In time; a call comes before a return of the same moment, so that they count as concurrent. */
function eventsOf({ steps }: Plan): HistoryEvent[] {
  const calls = steps.map((step) => ({ kind: "call" as const, at: step.operation.callAt, step }));
  const returns = steps
    .filter(({ operation }) => operation.returnAt !== Infinity)
    .map((step) => ({ kind: "return" as const, at: step.operation.returnAt, step }));
  return [...calls, ...returns].toSorted((a, b) => a.at - b.at || (a.kind === b.kind ? 0 : a.kind === "call" ? -1 : 1));
}
