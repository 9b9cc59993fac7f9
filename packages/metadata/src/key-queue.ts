import { ClusterFailure } from "@kakera/kernel";
import { keyText } from "./evaluate-change.ts";
import type { Key } from "./ports/view.ts";

/**
 * Changes of one key queue in order (correctness.md F19): only the head builds and commits, so a hot key costs one attempt
 * for each change instead of a fight. A task that names several keys waits for all that came before it on any of them.
 */
export interface KeyQueue {
  /** Runs `task` when it is the head for all `keys`. Rejects with `retry` when a key's queue is full, else as `task` does. */
  run<T>(keys: readonly Key[], task: () => Promise<T>): Promise<T>;
  /** Keys with a task running or waiting. */
  readonly size: number;
}

interface Line {
  last: Promise<void>;
  waiting: number;
}

export function createKeyQueue(settings: { readonly waitingPerKeyMax: number } = { waitingPerKeyMax: 1000 }): KeyQueue {
  const lines = new Map<string, Line>();
  return {
    get size() {
      return lines.size;
    },
    async run(keys, task) {
      const names = keys.map(keyText);
      const isFull = names.some((name) => (lines.get(name)?.waiting ?? 0) >= settings.waitingPerKeyMax);
      if (isFull) throw new ClusterFailure("retry", "too many changes of one key are waiting");
      const turn = takeTurn(lines, names);
      try {
        await turn.before;
        return await task();
      } finally {
        turn.end();
      }
    },
  };
}

/** All places are taken at once, so the order is one and the same on every key and nothing can wait in a circle. */
function takeTurn(lines: Map<string, Line>, names: readonly string[]): { before: Promise<unknown>; end: () => void } {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const before: Promise<void>[] = [];
  const taken: string[] = [];
  for (const name of names) {
    const line = lines.get(name);
    // DeleteObjects names a thousand keys, and hardly ever has one of them company.
    if (line === undefined) {
      lines.set(name, { last: done, waiting: 1 });
      taken.push(name);
      continue;
    }
    // The task names this key twice.
    if (line.last === done) continue;
    before.push(line.last);
    line.last = done;
    line.waiting++;
    taken.push(name);
  }
  const end = (): void => {
    for (const name of taken) {
      const line = lines.get(name) as Line;
      if (--line.waiting === 0) lines.delete(name);
    }
    resolve();
  };
  return { before: Promise.all(before), end };
}
