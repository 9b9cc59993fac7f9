/**
 * Named moments at which a test may end the process or make a step fail. Names are dotted: "journal.before-sync".
 * In production `hit` does nothing.
 */
export interface Failpoints {
  hit(name: string): void;
}

export const noFailpoints: Failpoints = { hit: () => {} };
