/** Where lines of JSON go: audit records, spans. */
export interface LineTarget {
  readonly name: "file" | "webhook" | "otlp";
  /**
   * Rejects when they did not arrive, as far as is known: they are sent again then, and may be there twice. Rejects with RefusedForGood when it makes
   * no sense to.
   */
  send(lines: readonly string[]): Promise<void>;
  /** SIGHUP: what was rotated away is left. */
  reopen(): void;
  close(): Promise<void>;
}

/** The target does not take these lines, now or later. */
export class RefusedForGood extends Error {
  override readonly name = "RefusedForGood";
}
