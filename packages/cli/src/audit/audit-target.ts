/** Where audit records go. */
export interface AuditTarget {
  readonly name: "file" | "webhook";
  /** Rejects when they did not arrive, as far as is known: they are sent again then, and may be there twice. */
  send(lines: readonly string[]): Promise<void>;
  /** SIGHUP: what was rotated away is left. */
  reopen(): void;
  close(): Promise<void>;
}
