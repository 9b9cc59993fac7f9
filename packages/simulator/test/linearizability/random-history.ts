import { createSeededRandom, type Random } from "@kakera/kernel";
import type { ClientOperation, PutOperation } from "@kakera/simulator";

export interface HistoryWish {
  readonly seed: number;
  readonly clientCount: number;
  readonly keyCount: number;
  readonly operationCount: number;
  /** Of changes: gets no answer, and takes effect never, at once, or much later. */
  readonly openShare: number;
}

interface Pending {
  readonly operation: ClientOperation;
  readonly client: number;
  isDone: boolean;
}

/**
 * What clients see of a store that is right: each operation takes effect at one moment between call and return, by a random scheduler.
 */
export function randomHistory(wish: HistoryWish): ClientOperation[] {
  const random = createSeededRandom(wish.seed);
  const below = (count: number): number => Math.floor(random.fraction() * count);
  const contents = new Map<string, string>();
  const history: ClientOperation[] = [];
  const late: ClientOperation[] = [];
  const busy: (Pending | null)[] = Array.from({ length: wish.clientCount }, () => null);
  let [now, begun] = [0, 0];
  while (begun < wish.operationCount || busy.some((each) => each !== null)) {
    now++;
    if (late.length > 0 && below(40) === 0)
      takeEffect(late.splice(below(late.length), 1)[0] as ClientOperation, contents);
    const client = below(busy.length);
    const pending = busy[client] ?? null;
    if (pending === null) {
      if (begun === wish.operationCount) continue;
      busy[client] = {
        operation: ask({ random, number: begun++, now, keyCount: wish.keyCount, contents }),
        client,
        isDone: false,
      };
    } else if (pending.isDone) {
      const isLost = isChange(pending.operation) && random.fraction() < wish.openShare / 2;
      if (!isLost) history.push({ ...pending.operation, returnAt: now });
      else if (pending.operation.kind !== "put") history.push(pending.operation);
      else history.push({ ...pending.operation, outcome: "done" });
      busy[client] = null;
    } else if (isChange(pending.operation) && random.fraction() < wish.openShare) {
      history.push(pending.operation);
      if (below(2) === 0) late.push(pending.operation);
      busy[client] = null;
    } else busy[client] = { operation: takeEffect(pending.operation, contents), client, isDone: true };
  }
  return history;
}

const isChange = ({ kind }: ClientOperation): boolean => kind === "put" || kind === "delete";

/** With the outcome of one that gets no answer. */
function ask(of: {
  readonly random: Random;
  readonly number: number;
  readonly now: number;
  readonly keyCount: number;
  readonly contents: ReadonlyMap<string, string>;
}): ClientOperation {
  const { random, number, now, keyCount, contents } = of;
  const below = (count: number): number => Math.floor(random.fraction() * count);
  const key = `k${below(keyCount)}`;
  const span = { callAt: now, returnAt: Infinity };
  const what = below(20);
  if (what < 8) return { kind: "read", key, seen: null, ...span };
  if (what < 9) return { kind: "list", seen: new Map(), ...span };
  if (what < 11) return { kind: "delete", key, ...span };
  const matches = contents.get(key);
  const condition: PutOperation["condition"] =
    what < 15 ? null : what < 18 || matches === undefined ? "absent" : { matches };
  return { kind: "put", key, value: `v${number}`, condition, outcome: "done", ...span };
}

function takeEffect(operation: ClientOperation, contents: Map<string, string>): ClientOperation {
  if (operation.kind === "list") return { ...operation, seen: new Map(contents) };
  const is = contents.get(operation.key) ?? null;
  if (operation.kind === "read") return { ...operation, seen: is };
  if (operation.kind === "delete") {
    contents.delete(operation.key);
    return operation;
  }
  const { condition } = operation;
  const isMet = condition === null || (condition === "absent" ? is === null : is === condition.matches);
  if (isMet) contents.set(operation.key, operation.value);
  return { ...operation, outcome: isMet ? "done" : condition !== "absent" && is === null ? "missing" : "refused" };
}
