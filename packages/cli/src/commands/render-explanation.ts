import { judgeExplanation, type ExplainReport } from "../admin/explain-report.ts";
import { formatBytes, formatCounted, formatTable, formatTime } from "./format-values.ts";

/** `kakera explain` for people: the object, then each chunk with a line for every place of a shard. */
export function renderExplanation(report: ExplainReport): string[] {
  return [...summary(report), ...report.chunks.flatMap((chunk) => ["", ...chunkLines(report, chunk)]), ...rest(report)];
}

function summary(report: ExplainReport): string[] {
  const parts = report.partCount === 0 ? "" : `, ${formatCounted(report.partCount, "part")}`;
  return [
    `object    s3://${report.bucket}/${report.key}`,
    `size      ${formatBytes(report.sizeBytes)}, of ${formatTime(report.modifiedMs)}, revision ${report.revision}`,
    `stored    ${describeStored(report)}${parts}`,
    `proof     ${describeProof(report)}`,
  ];
}

function describeStored({ chunkCount, inlineBytes }: ExplainReport): string {
  if (chunkCount > 0) return `in ${formatCounted(chunkCount, "chunk")}`;
  return inlineBytes === 0 ? "as a record alone: it is empty" : "in its record, wherever the log is kept";
}

function describeProof(report: ExplainReport): string {
  if (report.chunkCount === 0) return "the log's own";
  const verdict = judgeExplanation(report.chunks);
  const seen =
    report.reads === "blocks"
      ? "every byte was read and verified now"
      : "headers were read now (--read reads every byte)";
  const counted =
    report.provenMs === null
      ? "nothing was counted yet"
      : `all chunks were counted last at ${formatTime(report.provenMs)}`;
  const found = { ok: "whole", attention: "NOT WHOLE", lost: "FEWER THAN K SHARDS ANSWER" }[verdict];
  return `${found}; ${seen}; ${counted}`;
}

function chunkLines(report: ExplainReport, chunk: ExplainReport["chunks"][number]): string[] {
  const { geometry, spareDomains } = chunk;
  const bears =
    spareDomains < 0 ? `is ${-spareDomains} short of ${geometry.k}` : `bears the loss of ${spareDomains} more`;
  const name = `chunk ${chunk.dataId}/${chunk.chunkIndex}`;
  const where = `${geometry.k}+${geometry.m}, group ${chunk.group} of pool ${chunk.pool} at epoch ${chunk.epoch}`;
  const head = ["SHARD", "STATE", "DRIVE", "DOMAIN", "AS", "DIGEST", "LAST SCRUB", "FOLDER"];
  const rows = chunk.shards.flatMap(({ shardIndex, digest, places }) =>
    (places.length === 0 ? [null] : places).map((place) => {
      const drive = report.drives.find(({ driveId }) => driveId === place?.driveId);
      const shard = `${shardIndex} ${shardIndex < geometry.k ? "data" : "parity"}`;
      if (place === null) return [shard, "has no home", "", "", "", digest ?? "", "", ""];
      return [
        shard,
        place.state,
        place.driveId.slice(0, 8),
        place.domain === place.driveId ? "its own" : place.domain.slice(0, 20),
        place.role,
        digest ?? "",
        drive?.scrubbedMs == null ? "never" : formatTime(drive.scrubbedMs),
        drive === undefined ? "" : drive.place,
      ];
    }),
  );
  const disagreement =
    chunk.agrees === "yes" ? [] : ["  its shards disagree on the digests: they are not of one write"];
  return [
    `${name}: ${formatBytes(chunk.chunkSizeBytes)}, ${where}; ${bears}`,
    ...disagreement,
    ...formatTable([head, ...rows]).map((line) => `  ${line}`),
  ];
}

function rest({ chunkCount, chunks }: ExplainReport): string[] {
  const left = chunkCount - chunks.length;
  return left === 0 ? [] : ["", `${formatCounted(left, "more chunk")} (--chunks N)`];
}
