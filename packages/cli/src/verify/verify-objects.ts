import type { ListedKey } from "./list-objects.ts";
import type { ObjectVerdict } from "./verify-object.ts";
import type { VerifyState } from "./verify-state.ts";

export interface VerifyWork {
  readonly objects: AsyncIterable<ListedKey>;
  readonly verify: (key: string) => Promise<ObjectVerdict>;
  readonly concurrency: number;
  /** Aborted: no further object is begun. */
  readonly interrupted: AbortSignal;
  /** After each object, in key order: everything up to it is verified. */
  readonly done: (state: VerifyState, object: ListedKey, verdict: ObjectVerdict) => void;
}

interface UnderWay {
  readonly object: ListedKey;
  verdict: ObjectVerdict | null;
}

/** Those that are done and wait for one before them; a large object holds no more of the small ones up. */
const windowMax = 1_024;

/**
 * Verifies several objects at a time and gives account in key order, so that what was said of it is where another run goes on. Resolves to the
 * last state; its progress is "done" unless it was interrupted. Rejects with what `verify` or the listing rejects with, when all that was begun
 * has ended.
 */
export async function verifyObjects(from: VerifyState, work: VerifyWork): Promise<VerifyState> {
  let state = from;
  const window: UnderWay[] = [];
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const account = (): void => {
    for (let first = window[0]; first !== undefined && first.verdict !== null; first = window[0]) {
      state = withVerdict(state, first.object, first.verdict);
      work.done(state, first.object, first.verdict);
      window.shift();
    }
  };
  const begin = (object: ListedKey): void => {
    const entry: UnderWay = { object, verdict: null };
    window.push(entry);
    const run = work
      .verify(object.key)
      .then(
        (verdict) => {
          entry.verdict = verdict;
          account();
        },
        (failure: unknown) => void failures.push(failure),
      )
      .finally(() => running.delete(run));
    running.add(run);
  };
  const mayGoOn = (): boolean => failures.length === 0 && !work.interrupted.aborted;
  try {
    for await (const object of work.objects) {
      while (mayGoOn() && (running.size >= work.concurrency || window.length >= windowMax)) await Promise.race(running);
      if (!mayGoOn()) break;
      begin(object);
    }
  } finally {
    await Promise.all(running);
  }
  if (failures.length > 0) throw failures[0];
  return work.interrupted.aborted ? state : { ...state, progress: "done" };
}

function withVerdict(state: VerifyState, { key, sizeBytes }: ListedKey, of: ObjectVerdict): VerifyState {
  const { verdict, shardBytes } = of;
  const counted = (kind: ObjectVerdict["verdict"]): number => (verdict === kind ? 1 : 0);
  return {
    ...state,
    afterKey: key,
    objectCount: state.objectCount + 1,
    sizeBytes: state.sizeBytes + sizeBytes,
    shardBytes: state.shardBytes + shardBytes,
    inRecordCount: state.inRecordCount + counted("in record"),
    goneCount: state.goneCount + counted("gone"),
    attentionCount: state.attentionCount + counted("attention"),
    lostCount: state.lostCount + counted("lost"),
  };
}
