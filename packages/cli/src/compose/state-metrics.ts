import { isAwayWithNode, judgedReasons } from "../admin/judge-conditions.ts";
import type { DriveReport } from "../admin/status-report.ts";
import type { MeterRow, PromMeter } from "../drivers/prom-meter.ts";
import { version } from "../version.ts";
import type { ServerState } from "./server-state.ts";

/** What `kakera status` says, as figures: alerts are made of it. Drives are told of by the node that has them. */
export function measureState(
  metrics: PromMeter,
  { state, certificateExpiresMs }: { readonly state: ServerState; readonly certificateExpiresMs: () => number | null },
): void {
  const table = (
    spec: { readonly name: string; readonly help: string; readonly labels?: readonly string[] },
    rows: () => MeterRow[],
  ): void => metrics.table(spec, rows);
  const time = (name: string, help: string, valueMs: () => number | null): void =>
    table({ name, help }, () => {
      const now = valueMs();
      return now === null ? [] : [{ labels: {}, value: now / 1000 }];
    });
  const figure = (name: string, help: string, value: () => number): void =>
    table({ name, help }, () => [{ labels: {}, value: value() }]);

  table({ name: "kakera_build_info", help: "1; the version of the program", labels: ["version"] }, () => [
    { labels: { version }, value: 1 },
  ]);
  table(
    {
      name: "kakera_condition",
      help: "drives, nodes or other subjects of which `kakera status` says this now; 0: none",
      labels: ["reason"],
    },
    () => countReasons(state.conditions().map(({ reason }) => reason)),
  );
  table({ name: "kakera_nodes", help: "nodes with drives, by whether they answer this one", labels: ["state"] }, () => {
    const { online, offline } = countNodes(state.drives());
    return [
      { labels: { state: "online" }, value: online },
      { labels: { state: "offline" }, value: offline },
    ];
  });
  table(
    {
      name: "kakera_pool_groups",
      help: "placement groups by the drives that answer beyond those that a read needs; below 0: unreadable at home",
      labels: ["pool", "spare"],
    },
    () =>
      state.pools().flatMap(({ pool, groupsBySpare }) =>
        [...groupsBySpare].map(([spare, count]) => ({
          labels: { pool: String(pool), spare: String(spare) },
          value: count,
        })),
      ),
  );
  measureDrives(metrics, state);
  figure(
    "kakera_repair_waiting_chunks",
    "chunks and records that wait for repair",
    () => state.upkeep().repair.waitingCount,
  );
  time(
    "kakera_repair_oldest_waiting_timestamp_seconds",
    "since when the oldest of them waits; absent: none waits",
    () => state.upkeep().repair.oldestWaitingMs,
  );
  figure("kakera_repair_paused", "1 while an operator has told repair to wait", () =>
    Number(state.upkeep().repair.isPaused),
  );
  table(
    {
      name: "kakera_census_lost_chunks",
      help: "chunks with fewer shards than a read needs, by the last count; absent before the first",
    },
    () => {
      const { census } = state.upkeep();
      return census.provenMs === null ? [] : [{ labels: {}, value: census.lostCount }];
    },
  );
  time(
    "kakera_scrub_proof_timestamp_seconds",
    "when the last whole scrub of every drive had ended (the oldest of them); absent: a drive has had none",
    () => state.upkeep().scrubbedMs,
  );
  figure(
    "kakera_rewrite_waiting_bytes",
    "bytes that wait to be written anew with another geometry",
    () => state.upkeep().rewriteBytes,
  );
  time(
    "kakera_certificate_expiry_timestamp_seconds",
    "when the certificate expires; absent without TLS",
    certificateExpiresMs,
  );
}

function measureDrives(metrics: PromMeter, state: ServerState): void {
  const ofOwn = (name: string, help: string, value: (drive: DriveReport) => number): void =>
    metrics.table({ name, help, labels: ["drive"] }, () =>
      state
        .drives()
        // One that does not answer has no figures.
        .filter(({ node, condition, driveId }) => node === null && condition !== "offline" && driveId !== "")
        .map((drive) => ({ labels: { drive: drive.driveId }, value: value(drive) })),
    );
  ofOwn("kakera_drive_total_bytes", "bytes of the drive's file system", ({ totalBytes }) => totalBytes);
  ofOwn("kakera_drive_free_bytes", "bytes that may still be written there", ({ freeBytes }) => freeBytes);
  ofOwn("kakera_drive_shards", "shards on the drive", ({ shardCount }) => shardCount);
  ofOwn(
    "kakera_drive_garbage_bytes",
    "bytes of removed shards that compaction has not given back",
    ({ garbageBytes }) => garbageBytes,
  );
}

/** All that can be judged are there, so that one that is over is seen to be over. */
function countReasons(reasons: readonly string[]): MeterRow[] {
  const counts = new Map<string, number>(judgedReasons.map((reason) => [reason, 0]));
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, value]) => ({ labels: { reason }, value }));
}

/** Of nodes that have drives: one that has none is known to nobody once it is gone. */
export function countNodes(drives: readonly DriveReport[]): { readonly online: number; readonly offline: number } {
  const isOnline = new Map<string, boolean>();
  for (const { node, reason } of drives) {
    const name = node ?? "";
    isOnline.set(name, (isOnline.get(name) ?? false) || !isAwayWithNode(reason));
  }
  const online = [...isOnline.values()].filter(Boolean).length;
  return { online, offline: isOnline.size - online };
}
