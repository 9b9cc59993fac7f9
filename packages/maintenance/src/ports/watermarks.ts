/** What is under way in all sessions: reads, or writes that are not decided. */
export interface Watermarks {
  /** A mark at this moment. */
  set(): number;
  /** Whether all that began before the mark was set has ended. Once true, true for ever: a late answer does no harm. */
  isPassed(mark: number): boolean;
}
