/** Levels of formats and features that a program can work at, both included. */
export interface FeatureRange {
  readonly oldest: number;
  readonly newest: number;
}

/**
 * Of this program. A release that writes anything that the release before it cannot read has `newest` one higher, and writes it only where the
 * cluster's active level is at least that; `oldest` follows one release later at the earliest: docs/upgrade-formats.md lists what each level brought.
 */
export const featureRange: FeatureRange = { oldest: 1, newest: 1 };

/** Of a node that says nothing of it: there was one level then. */
export const firstRange: FeatureRange = { oldest: 1, newest: 1 };
