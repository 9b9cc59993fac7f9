/** Moments at which a test may end the process or make a step fail. */
export const failpointNames = [
  /** A member is about to write a batch, or several. A throw here fails the member. */
  "journal.before-write",
  /** They are durable on that member. */
  "journal.after-write",
  /** The batch is durable on enough members; nobody was told. */
  "view.before-apply",
  /** It is in the view; nobody was told. */
  "journal.before-acknowledge",
  /** A start has chosen the tail; no drive was changed. */
  "recovery.before-promise",
  /** The new term is promised on enough drives; nothing was refilled. */
  "recovery.after-promise",
  /** The recovered tail is on enough drives; the new term's first batch is not. */
  "recovery.before-term",
  /** That batch is durable on enough drives; nothing was answered. */
  "recovery.after-term",
  /** A checkpoint is written, synced and verified on a drive under its unfinished name. */
  "checkpoint.before-rename",
  /** It has its name; the folder is not synced. */
  "checkpoint.after-rename",
  /** Checkpoints are durable on enough drives; the journal before the previous one is still there. */
  "journal.before-recycle",
] as const;
