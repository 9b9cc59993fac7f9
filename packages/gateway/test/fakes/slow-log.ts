import { setImmediate as nextTurn } from "node:timers/promises";
import { createSeededRandom } from "@kakera/kernel";
import type { Change, CommitLog, CommitResult, MemoryLog } from "@kakera/metadata";

export interface SlowLogHooks {
  /** Called with each change before it is offered to the log; what it throws is the commit's outcome. */
  beforeCommit?: (change: Change) => Promise<void> | void;
  /** Called when it was committed or refused; what it throws is told instead. */
  afterCommit?: (change: Change, result: CommitResult) => void;
}

/** A log whose commits and barriers take a few turns of the event loop, so that requests overtake each other as they do in life. */
export function createSlowLog(log: MemoryLog, hooks: SlowLogHooks = {}, seed = 1): CommitLog {
  const random = createSeededRandom(seed);
  const wait = async (): Promise<void> => {
    for (let turns = Math.floor(random.fraction() * 4); turns >= 0; turns--) await nextTurn();
  };
  return {
    session: log.session,
    operationsPerChangeMax: log.operationsPerChangeMax,
    view: log.view,
    async commit(change) {
      await wait();
      await hooks.beforeCommit?.(change);
      const result = await log.commit(change);
      hooks.afterCommit?.(change, result);
      await wait();
      return result;
    },
    async barrier() {
      await wait();
      await log.barrier();
    },
    status: () => log.status(),
    close: () => log.close(),
  };
}
