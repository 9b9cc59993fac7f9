import { commitUntilDecided, type Key, type Plan } from "@kakera/metadata";
import type { OperationParts } from "../../gateway-parts.ts";

/**
 * Commits a change of these keys, planned anew from the present view until it is decided; changes of one key stand in line,
 * so that a hot key costs one attempt for each change (correctness.md F19). `plan` throws what the client is to be told.
 */
export function decide<T>(parts: OperationParts, keys: readonly Key[], plan: () => Plan<T>): Promise<T> {
  const { log, clock, random, keyQueue, settings } = parts;
  const deadlineMs = clock.monotonicMs() + settings.commitDeadlineMs;
  return keyQueue.run(keys, () => commitUntilDecided({ log, clock, random, deadlineMs }, plan));
}
