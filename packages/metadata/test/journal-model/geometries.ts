import { membersWanted } from "../../src/journal/rules.ts";

export interface Geometry {
  readonly name: string;
  readonly driveCount: number;
  readonly tolerance: number;
  /** Drives that hold the journal. */
  readonly memberCount: number;
}

const geometry = (name: string, driveCount: number, tolerance: number): Geometry => ({
  name,
  driveCount,
  tolerance,
  memberCount: Math.min(driveCount, membersWanted(tolerance)),
});

export const geometries: readonly Geometry[] = [
  geometry("1+0", 1, 0),
  geometry("1+1", 2, 1),
  geometry("2+1", 3, 1),
  geometry("2+2", 4, 2),
  geometry("4+2", 6, 2),
  // Fewer hold the journal than could.
  { name: "4+2 with four copies", driveCount: 6, tolerance: 2, memberCount: 4 },
];
