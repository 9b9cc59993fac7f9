import { keys, type View } from "@kakera/metadata";
import { records } from "@kakera/protocol";
import { noCensus, type CensusReport } from "../census/census-report.ts";

export interface RepairReport {
  readonly waitingCount: number;
  readonly oldestWaitingMs: number | null;
  readonly isPaused: boolean;
}

/** What maintenance knows, wherever it runs. */
export interface UpkeepReport {
  readonly census: CensusReport;
  readonly repair: RepairReport;
  /** When the last scrub of every drive had ended (the oldest of them); null: some drive has had none. */
  readonly scrubbedMs: number | null;
  /** Damaged shards found since the start of the process that leads. */
  readonly bitrotFoundCount: number;
  /** Bytes that wait to be written anew with the geometry of the newest pool. */
  readonly rewriteBytes: number;
  /** When this was written down; null: never. */
  readonly reportedMs: number | null;
}

export const noUpkeepReport: UpkeepReport = {
  census: noCensus,
  repair: { waitingCount: 0, oldestWaitingMs: null, isPaused: false },
  scrubbedMs: null,
  bitrotFoundCount: 0,
  rewriteBytes: 0,
  reportedMs: null,
};

/** What the log holds: of the process that leads, or led. */
export function readUpkeepReport(view: View): UpkeepReport {
  const row = view.get(keys.upkeepReport());
  return row === null ? noUpkeepReport : decodeUpkeepReport(row.value);
}

export function encodeUpkeepReport({ census, repair, ...report }: UpkeepReport): Uint8Array {
  return records.UpkeepReport.encode({
    reportedMs: report.reportedMs ?? 0,
    censusStartedMs: census.startedMs ?? 0,
    censusProvenMs: census.provenMs ?? 0,
    chunkCount: census.chunkCount,
    chunksByMissing: [...census.chunksByMissing],
    lostCount: census.lostCount,
    waitingCount: repair.waitingCount,
    oldestWaitingMs: Math.floor(repair.oldestWaitingMs ?? 0),
    scrubbedMs: report.scrubbedMs ?? 0,
    damagedCount: report.bitrotFoundCount,
    rewriteBytes: report.rewriteBytes,
  }).finish();
}

function decodeUpkeepReport(value: Uint8Array): UpkeepReport {
  const record = records.UpkeepReport.decode(value);
  const orNull = (valueMs: number): number | null => (valueMs === 0 ? null : valueMs);
  return {
    census: {
      startedMs: orNull(record.censusStartedMs),
      provenMs: orNull(record.censusProvenMs),
      chunkCount: record.chunkCount,
      chunksByMissing: record.chunksByMissing,
      lostCount: record.lostCount,
    },
    repair: {
      waitingCount: record.waitingCount,
      oldestWaitingMs: orNull(record.oldestWaitingMs),
      isPaused: false, // an order, and a row of its own
    },
    scrubbedMs: orNull(record.scrubbedMs),
    bitrotFoundCount: record.damagedCount,
    rewriteBytes: record.rewriteBytes,
    reportedMs: orNull(record.reportedMs),
  };
}

/** Whether somebody who reads it should see the other one: the time at which it was written is no news. */
export function isNews(next: UpkeepReport, known: UpkeepReport): boolean {
  return (
    next.census.provenMs !== known.census.provenMs ||
    next.repair.waitingCount !== known.repair.waitingCount ||
    next.scrubbedMs !== known.scrubbedMs ||
    next.bitrotFoundCount !== known.bitrotFoundCount ||
    next.rewriteBytes !== known.rewriteBytes
  );
}
