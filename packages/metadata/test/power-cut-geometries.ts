/** Drives, and how many of them may be lost, that a power cut is tried on. */
export const geometries = [
  { driveCount: 1, tolerance: 0 },
  { driveCount: 2, tolerance: 1 },
  { driveCount: 3, tolerance: 1 },
  { driveCount: 4, tolerance: 2 },
];
