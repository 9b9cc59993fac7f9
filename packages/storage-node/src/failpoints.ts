/** Moments at which a crash test ends the process. */
export const failpointNames = [
  "segment.before-write",
  "segment.after-write",
  "segment.before-index",
  "own-file.before-rename",
  "own-file.after-rename",
  "own-file.before-directory-sync",
  "tombstone.before-unlink",
  "compaction.before-index",
  "compaction.before-unlink",
  "identity.before-rename",
] as const;
export type FailpointName = (typeof failpointNames)[number];
