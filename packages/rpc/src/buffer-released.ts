/**
 * When the buffer that was lent to a rejected drive call may be used again: at once, unless the failure (or what caused
 * it) carries a promise `released`, as one of a passed deadline does: the I/O behind it may still fill or read the buffer.
 * It may never resolve: memory lent to a drive that is dead for good is lost.
 */
export function bufferReleased(failure: unknown): Promise<void> | null {
  for (let depth = 0, at = failure; depth < causesMax && at instanceof Error; depth++, at = at.cause) {
    const { released } = at as { released?: unknown };
    if (released instanceof Promise) return released as Promise<void>;
  }
  return null;
}

const causesMax = 8;
