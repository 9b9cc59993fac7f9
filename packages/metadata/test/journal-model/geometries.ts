export interface Geometry {
  readonly name: string;
  readonly driveCount: number;
  readonly tolerance: number;
}

export const geometries: readonly Geometry[] = [
  { name: "1+0", driveCount: 1, tolerance: 0 },
  { name: "1+1", driveCount: 2, tolerance: 1 },
  { name: "2+1", driveCount: 3, tolerance: 1 },
  { name: "2+2", driveCount: 4, tolerance: 2 },
  { name: "4+2", driveCount: 6, tolerance: 2 },
];
