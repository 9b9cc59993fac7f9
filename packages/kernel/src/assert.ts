/** A broken assumption of our own. Never the client's fault; on in production; the process ends with exit code 70. */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

/** Throws {@link AssertionFailure} unless `condition` holds. `message` says what must be true. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** Closes a switch over a union: a new member does not compile until it is handled. */
export function assertNever(value: never): never {
  throw new AssertionFailure(`unexpected variant: ${JSON.stringify(value)}`);
}
