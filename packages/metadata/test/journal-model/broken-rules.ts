/** Rules that can be broken on purpose, to see that the model would notice. */
export const brokenRules = [
  "acknowledge with fewer copies",
  "start with any drive",
  "use a term before it is promised",
  "answer before the tail is copied",
  "believe the page cache",
  "count a drive that has a gap",
  "count a drive that is being refilled",
  "go on after an undecided batch",
  "refill without the base's own batch",
  "show the last batch without a proof",
  "copy the last batch to every drive that is there, and show it",
  "deny the last batch when it lacks a proof",
  "note a batch before it is acknowledged",
] as const;

export type BrokenRule = (typeof brokenRules)[number];
