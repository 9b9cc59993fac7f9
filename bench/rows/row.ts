/** How a run was asked to be. */
export interface RunPlan {
  readonly roundCount: number;
  /** Of one measurement, where time bounds it. */
  readonly durationMs: number;
  /** A folder with the million objects that is used, or made and kept; null: one of this run's own. */
  readonly millionDirectory: string | null;
  readonly objectCount: number;
}

/** Measures and reports one row of the acceptance table, or a few that share what they need. */
export type Row = (plan: RunPlan) => Promise<void>;
