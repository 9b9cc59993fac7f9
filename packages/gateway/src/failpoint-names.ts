/** Every moment of this package at which a test may end the process. */
export const failpointNames = [
  "put.before-commit",
  "put.after-commit",
  "upload.after-mark",
  "complete.after-commit",
  "bucket.after-close",
] as const;
export type FailpointName = (typeof failpointNames)[number];
