import { ClusterFailure, idFromBytes } from "@kakera/kernel";
import { commitUntilDecided, type Key, type Plan } from "@kakera/metadata";
import type { OperationParts } from "../../gateway-parts.ts";
import { MarkMet, type Mark } from "./mark-met.ts";

/**
 * Commits a change of these keys, planned anew from the present view until it is decided; changes of one key stand in line,
 * so that a hot key costs one attempt for each change (correctness.md F19). `plan` throws what the client is to be told.
 */
export function decide<T>(parts: OperationParts, keys: readonly Key[], plan: () => Plan<T>): Promise<T> {
  return inTurn(parts, keys, (deadlineMs) => commitPlanned(parts, deadlineMs, plan));
}

/**
 * Runs `task` when it is the head of the line of all `keys`; once more when it met a mark (MarkMet), as soon as that is gone.
 * Rejects with ClusterFailure `retry` at the deadline.
 */
export async function inTurn<T>(
  parts: OperationParts,
  keys: readonly Key[],
  task: (deadlineMs: number) => Promise<T>,
): Promise<T> {
  const deadlineMs = parts.clock.monotonicMs() + parts.settings.commitDeadlineMs;
  for (;;) {
    try {
      return await parts.keyQueue.run(keys, () => task(deadlineMs));
    } catch (failure) {
      if (!(failure instanceof MarkMet)) throw failure;
      if (parts.clock.monotonicMs() >= deadlineMs)
        throw new ClusterFailure("retry", "the record stays marked", { cause: failure });
      await settleMark(parts, failure.mark, deadlineMs);
    }
  }
}

/** Within a turn: one change, until it is decided. */
export function commitPlanned<T>(parts: OperationParts, deadlineMs: number, plan: () => Plan<T>): Promise<T> {
  const { log, clock, random } = parts;
  return commitUntilDecided({ log, clock, random, deadlineMs }, plan);
}

/**
 * Stands in line behind the mark's owner, if that is here; a mark that is still there then was left behind: by us, when a step failed,
 * or by a session that is gone. It is taken off by whoever meets it (correctness.md F26).
 */
function settleMark(parts: OperationParts, mark: Mark, deadlineMs: number): Promise<void> {
  return parts.keyQueue.run([mark.key], () =>
    commitPlanned<void>(parts, deadlineMs, () => {
      const found = mark.unmark(parts);
      if (found === null) return { answer: undefined };
      if (!isLeftBehind(parts, found.session))
        throw new ClusterFailure("retry", "another gateway is at work on the record");
      return { change: found.change, answer: () => undefined };
    }),
  );
}

/** Whether nobody is at work behind this session's mark. Ask only in turn for the marked key. */
export function isLeftBehind(parts: OperationParts, sessionBytes: Uint8Array): boolean {
  const session = idFromBytes("session", sessionBytes);
  return session === parts.markSession() || !parts.isSessionLive(session);
}
