import type { NameAction, Place } from "./history.ts";
import { drawBetween, drawTemper, type Temper, type TemperRules } from "./temper.ts";

interface Change {
  readonly action: NameAction;
  readonly order: number;
  /** Folders that must be synced before it is durable. */
  readonly unsynced: Set<number>;
}

/** By the folder's number: by name: the file's or folder's number. */
export type Names = Map<number, Map<string, number>>;

/**
 * The names of one drive under the crash model: what is durable, and the changes since. A change is durable once every
 * folder that it touches was synced by a sync that began after it. Of the others each may be there or not, with two bonds: a change is
 * there when a later one of the same name is; and a rename is there in both of its folders or in neither.
 */
export class NameFate {
  readonly #durable: Names;
  #changes: Change[] = [];
  #nextOrder = 0;

  constructor(durable: Names) {
    this.#durable = durable;
  }

  get nextOrder(): number {
    return this.#nextOrder;
  }

  get isCertain(): boolean {
    return this.#changes.length === 0;
  }

  apply(action: NameAction): void {
    const unsynced = new Set(placesOf(action).map((place) => place.folder));
    this.#changes.push({ action, order: this.#nextOrder++, unsynced });
  }

  /** A sync of `folder` that began at `order` has ended. */
  pinBefore(order: number, folder: number): void {
    for (const change of this.#changes) if (change.order < order) change.unsynced.delete(folder);
    while (this.#changes[0]?.unsynced.size === 0) perform(this.#durable, (this.#changes.shift() as Change).action);
  }

  /** One set of names that a crash may leave. `underWay`: changes begun and not ended. */
  afterCrash(underWay: readonly NameAction[], rules: TemperRules): Names {
    const actions = [...this.#changes.map((change) => change.action), ...underWay];
    const names: Names = new Map([...this.#durable].map(([folder, entries]) => [folder, new Map(entries)]));
    const isThere = drawSurvivors(actions, rules);
    for (const [index, change] of this.#changes.entries()) if (change.unsynced.size === 0) isThere[index] = true;
    addWhatLaterOnesNeed(actions, isThere);
    for (const [index, action] of actions.entries()) if (isThere[index] === true) perform(names, action);
    return names;
  }
}

/** Each folder for itself: none, all, the first few, or any of its changes. A rename goes with the folder it leaves. */
function drawSurvivors(actions: readonly NameAction[], rules: TemperRules): boolean[] {
  const byFolder = Map.groupBy(actions.keys(), (index) => placesOf(actions[index] as NameAction)[0]?.folder);
  const isThere = actions.map(() => false);
  for (const indexes of byFolder.values()) {
    const temper = drawTemper(rules);
    const keptCount = drawBetween(rules.random, 0, indexes.length);
    for (const [nth, index] of indexes.entries()) isThere[index] = survives(temper, nth < keptCount);
  }
  return isThere;
}

function survives(temper: Temper, isOfTheFirst: boolean): boolean {
  switch (temper.kind) {
    case "nothing":
      return false;
    case "everything":
      return true;
    case "prefix":
      return isOfTheFirst;
    case "scatter":
      return temper.random.fraction() < temper.keptShare;
  }
}

/** From the last to the first, so that what is added brings in what it needs itself. */
function addWhatLaterOnesNeed(actions: readonly NameAction[], isThere: boolean[]): void {
  const needed = new Set<string>();
  for (let index = actions.length - 1; index >= 0; index -= 1) {
    const keys = placesOf(actions[index] as NameAction).map((place) => `${place.folder}/${place.name}`);
    if (keys.some((key) => needed.has(key))) isThere[index] = true;
    if (isThere[index] === true) for (const key of keys) needed.add(key);
  }
}

function placesOf(action: NameAction): readonly Place[] {
  return action.kind === "move" ? [action.from, action.to] : [action.at];
}

/** A change under way may meet names that it would have been refused for: it then does nothing. */
function perform(names: Names, action: NameAction): void {
  switch (action.kind) {
    case "add": {
      const entries = names.get(action.at.folder);
      if (entries?.has(action.at.name) === false) entries.set(action.at.name, action.node);
      if (action.nodeKind === "folder" && !names.has(action.node)) names.set(action.node, new Map());
      return;
    }
    case "move": {
      const node = names.get(action.from.folder)?.get(action.from.name);
      const target = names.get(action.to.folder);
      if (node === undefined || target === undefined) return;
      names.get(action.from.folder)?.delete(action.from.name);
      target.set(action.to.name, node);
      return;
    }
    case "remove":
      names.get(action.at.folder)?.delete(action.at.name);
  }
}
