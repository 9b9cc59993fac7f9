import { describeGeometry } from "../commands/render-status.ts";
import type { StatusReport } from "../admin/status-report.ts";

/** How the S3 endpoint is reached, for the snippets. */
export interface EndpointFacts {
  readonly port: number;
  readonly isTls: boolean;
  readonly region: string;
}

/**
 * What the page shows, to anybody who can reach it: no folder, no cluster id, no bucket and no key. Sentences of conditions
 * name none of them; subjects and remedies do, and stay here.
 */
export function pageStatus(report: StatusReport, endpoint: EndpointFacts) {
  return {
    serverVersion: report.serverVersion,
    health: report.health,
    geometry: report.geometry,
    geometryText: describeGeometry(report),
    census: report.census,
    usage: report.usage,
    conditions: report.conditions.map(({ reason, weight, sentence }) => ({
      reason,
      weight,
      sentence,
      remedy: "kakera status says what to do.",
    })),
    drives: report.drives.map(({ position, condition, reason, freeBytes, totalBytes, shardCount }) => ({
      position,
      condition,
      reason,
      freeBytes,
      totalBytes,
      shardCount,
    })),
    ...endpoint,
  };
}
