import { SECOND_MS } from "@kakera/kernel";
import type { ShardTrouble } from "../verify/verify-object.ts";
import type { VerifyState } from "../verify/verify-state.ts";
import { formatBytes, formatCount, formatCounted, formatDuration } from "./format-values.ts";

export interface VerifyTotals {
  readonly objectCount: number;
  readonly sizeBytes: number;
}

const barWidth = 24;
const troublesShownMax = 8;

/** One line: how far, how fast, how long still. What cannot be told yet is left out. */
export function renderProgress(
  state: VerifyState,
  {
    from,
    totals,
    elapsedMs,
  }: { readonly from: VerifyState; readonly totals: VerifyTotals; readonly elapsedMs: number },
): string {
  // Objects are added and deleted meanwhile: never more than all.
  const share = Math.min(
    1,
    totals.sizeBytes > 0 ? state.sizeBytes / totals.sizeBytes : state.objectCount / Math.max(1, totals.objectCount),
  );
  const full = Math.round(share * barWidth);
  const bytesPerSecond = ((state.sizeBytes - from.sizeBytes) * SECOND_MS) / Math.max(1, elapsedMs);
  const leftBytes = Math.max(0, totals.sizeBytes - state.sizeBytes);
  return [
    `[${"#".repeat(full)}${".".repeat(barWidth - full)}] ${Math.floor(share * 100)} %`,
    `${formatCount(state.objectCount)} of ${formatCounted(totals.objectCount, "object")}`,
    ...(bytesPerSecond > 0
      ? [`${formatBytes(bytesPerSecond)}/s`, `${formatDuration((leftBytes / bytesPerSecond) * SECOND_MS)} left`]
      : []),
    ...(state.attentionCount + state.lostCount > 0
      ? [`${formatCount(state.attentionCount + state.lostCount)} not whole`]
      : []),
  ].join("  ");
}

export function renderFinding(finding: {
  readonly bucket: string;
  readonly key: string;
  readonly verdict: string;
  readonly troubles: readonly ShardTrouble[];
}): string[] {
  const word = finding.verdict === "lost" ? "LOST     " : "NOT WHOLE";
  const key = finding.key.replaceAll(/[\p{Cc}\p{Cf}]/gu, "\u{fffd}");
  const shown = finding.troubles.slice(0, troublesShownMax);
  const rest = finding.troubles.length - shown.length;
  return [
    `${word}  s3://${finding.bucket}/${key}`,
    ...shown.map(
      ({ chunkIndex, shardIndex, state, driveId, place }) =>
        `           chunk ${chunkIndex}, shard ${shardIndex}: ${state}${driveId === null ? "" : `, drive ${driveId.slice(0, 8)} ${place ?? ""}`.trimEnd()}`,
    ),
    ...(rest > 0 ? [`           and ${formatCounted(rest, "more shard")}`] : []),
  ];
}

export function renderVerified(state: VerifyState): string[] {
  const { objectCount, sizeBytes, shardBytes, inRecordCount, goneCount, attentionCount, lostCount } = state;
  return [
    `verified  ${formatCounted(objectCount, "object")}, ${formatBytes(sizeBytes)}; ${formatBytes(shardBytes)} of shards were read and are sound`,
    ...(inRecordCount > 0
      ? [`          ${formatCount(inRecordCount)} of them are so small that the log keeps them: it checks itself`]
      : []),
    ...(goneCount > 0 ? [`          ${formatCount(goneCount)} were deleted meanwhile`] : []),
    attentionCount + lostCount === 0
      ? "found     nothing wrong"
      : `found     ${formatCount(attentionCount)} not whole, ${formatCount(lostCount)} lost`,
    ...(attentionCount + lostCount > 0 ? ["    do: kakera status; kakera repair now"] : []),
  ];
}
