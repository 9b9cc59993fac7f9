import type { DriveReport } from "./status-report.ts";

export interface DomainCounts {
  readonly total: number;
  /** Those of which a drive is missing. */
  readonly missing: number;
  readonly noun: "drive" | "host";
}

/** Failure domains, as the drives lie in them: as many as any m of which may be lost. */
export function countDomains(drives: readonly DriveReport[]): DomainCounts {
  const isMissing = ({ condition }: DriveReport): boolean => condition === "offline" || condition === "failed";
  const domains = new Set(drives.map(({ domain }) => domain));
  const missing = new Set(drives.filter(isMissing).map(({ domain }) => domain));
  return { total: domains.size, missing: missing.size, noun: domains.size < drives.length ? "host" : "drive" };
}
