import { ClusterFailure, DiskError } from "@kakera/kernel";
import { listUnproven, type UnprovenBody } from "@kakera/maintenance";
import { acceptLoss, ArchiveDamage, readArchive, restoreLog, type WritableView } from "@kakera/metadata";
import { CommandFailure, usageFailure } from "../command-failure.ts";
import type { FolderAccess } from "../compose/folder-access.ts";
import { etcdPlaceOfFlags, type EtcdFlags } from "../config/etcd-flags.ts";
import type { EtcdPlace } from "../config/etcd-settings.ts";
import { resolveDriveFolders } from "../config/resolve-drive-folders.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { takeArchivedDrives, type ArchivedDrives } from "../recover/archived-drives.ts";
import { copyArchive } from "../recover/copy-archive.ts";
import { renderRecovery, reportRecovery, reportUnproven, type RecoveryReport } from "../recover/recovery-report.ts";
import type { ReadableDrive, RecoveryTools } from "../recover/recovery-tools.ts";
import type { Terminal } from "../terminal.ts";
import { formatCount } from "./format-values.ts";

export interface RecoverFlags extends EtcdFlags {
  /** etcd's URLs, or a folder. */
  readonly to?: string;
  readonly dryRun?: boolean;
  readonly acceptLoss?: boolean;
  readonly json?: boolean;
  readonly yes?: boolean;
}

interface Context {
  readonly terminal: Terminal;
  readonly tools: RecoveryTools;
}

/**
 * `kakera recover-metadata DIR... --to URL|DIR [--dry-run]`: gives a cluster's metadata back from the archive on its drives, into an
 * etcd that has lost it or into a folder, and lists what is on the drives and newer. `--accept-loss --to URL`: nothing is given back; the
 * operator takes etcd as it is. 0 = done; 1 = done, and something is not given back or unproven.
 */
export async function runRecoverMetadata(
  folders: readonly string[],
  flags: RecoverFlags,
  context: Context,
): Promise<ExitCode> {
  try {
    return flags.acceptLoss === true ? await accept(flags, context) : await recover(folders, flags, context);
  } catch (failure) {
    throw explain(failure);
  }
}

async function recover(folders: readonly string[], flags: RecoverFlags, context: Context): Promise<ExitCode> {
  const { terminal, tools } = context;
  if (flags.to === undefined && flags.dryRun !== true)
    throw usageFailure("where to is not said", "--to http://ETCD:2379, --to DIR, or --dry-run");
  const places = resolveDriveFolders(folders, terminal);
  const access = tools.access(places.length);
  const taken = await takeArchivedDrives(access, places);
  const view = tools.openView();
  try {
    for (const { place, why } of taken.left) terminal.hint(`passed over ${place}: ${why}`);
    const { clusterId } = taken;
    const reading = await readArchive(
      taken.drives.map(({ archive }) => archive),
      { clusterId },
    );
    if (reading.position === null)
      throw new CommandFailure("DRIVE_FOREIGN", "there is no archive of a log on these drives", {
        exitCode: exitCodes.refused,
        remedy: "name all drives of the cluster: m+1 of them at least carry it",
      });
    await reading.restoreView(view);
    const unproven = await lookForUnproven(view, { access, taken, context });
    const report = reportRecovery(view, { clusterId, witnesses: reading.witnesses, unproven });
    const listed = reportUnproven(view, unproven);
    if (flags.json === true) for (const each of [report, ...listed]) terminal.print(JSON.stringify(each));
    else for (const line of renderRecovery(report, listed)) terminal.print(line);
    if (flags.dryRun !== true) await writeTo(flags.to as string, { flags, view, taken, context, report });
    return report.unprovenCount + report.lostBatchesKnown > 0 ? exitCodes.attention : exitCodes.done;
  } finally {
    await view.close();
    taken.release();
  }
}

async function lookForUnproven(
  view: WritableView,
  of: { readonly access: FolderAccess; readonly taken: ArchivedDrives; readonly context: Context },
): Promise<UnprovenBody[]> {
  const { terminal, tools } = of.context;
  const drives: ReadableDrive[] = [];
  try {
    for (const { place } of of.taken.drives) {
      try {
        drives.push(await tools.openDrive(of.access, place));
      } catch (error) {
        if (!(error instanceof DiskError || error instanceof ClusterFailure)) throw error;
        terminal.hint(`the shards of ${place} cannot be looked at: ${error.message}`);
      }
    }
    return await listUnproven(view, drives);
  } finally {
    for (const drive of drives) await drive.close();
  }
}

interface Writing {
  readonly flags: RecoverFlags;
  readonly view: WritableView;
  readonly taken: ArchivedDrives;
  readonly context: Context;
  readonly report: RecoveryReport;
}

async function writeTo(target: string, writing: Writing): Promise<void> {
  const { flags, view, taken, context } = writing;
  const { terminal, tools } = context;
  const { position } = view;
  if (position === null) throw new Error("a restored view has a position");
  const etcd = etcdOf(target, flags, terminal);
  if (etcd === null) {
    await copyArchive(target, { view, clusterId: taken.clusterId, tools, terminal });
    terminal.hint(`the archive is in ${target}: kakera recover-metadata ${target} --to URL gives it back`);
    return;
  }
  await agree(
    context,
    flags,
    `The metadata under ${etcd.settings.prefix} in ${target} becomes what stands above. Go on?`,
  );
  let told = 0;
  const onProgress = (rowCount: number): void => {
    if (rowCount - told < rowsPerLine) return;
    told = rowCount;
    terminal.hint(`${formatCount(rowCount)} of ${formatCount(view.entryCount)} rows are written`);
  };
  await restoreLog({ access: etcd.access, clock: terminal.clock, random: tools.random, onProgress }, etcd.settings, {
    clusterId: taken.clusterId,
    view,
    position,
  });
  terminal.hint("the metadata is restored: start the servers again");
  if (writing.report.unprovenCount > 0)
    terminal.hint(
      `what is unproven stays on the drives; to give it up: kakera recover-metadata --accept-loss --to ${target}, and start the servers again`,
    );
}

const rowsPerLine = 50_000;

async function accept(flags: RecoverFlags, context: Context): Promise<ExitCode> {
  const { terminal } = context;
  const etcd = flags.to === undefined ? null : etcdOf(flags.to, flags, terminal);
  if (etcd === null) throw usageFailure("--accept-loss is about an etcd", "--to http://ETCD:2379");
  await agree(
    context,
    flags,
    `What etcd does not have (under ${etcd.settings.prefix}) is given up for good, with its shards. Go on?`,
  );
  const halt = await acceptLoss({ access: etcd.access, clock: terminal.clock }, etcd.settings);
  terminal.hint(halt === null ? "nothing was halted; unproven shards need not be kept" : `the halt is over: ${halt}`);
  return exitCodes.done;
}

/** null: it is a folder. */
function etcdOf(target: string, flags: RecoverFlags, terminal: Terminal): EtcdPlace | null {
  return /^https?:\/\//.test(target) ? etcdPlaceOfFlags({ flag: "--to", urls: target }, flags, terminal) : null;
}

async function agree({ terminal }: Context, flags: RecoverFlags, question: string): Promise<void> {
  if (flags.yes === true || (await terminal.askYes(question))) return;
  throw new CommandFailure("NOT_AGREED", "nothing was done", {
    exitCode: exitCodes.refused,
    remedy: "the same with --yes",
  });
}

function explain(failure: unknown): unknown {
  if (failure instanceof ArchiveDamage)
    return new CommandFailure("DRIVE_FAILED", failure.message, {
      exitCode: exitCodes.refused,
      remedy: "name more drives of the cluster: others may have whole copies",
      cause: failure,
    });
  if (!(failure instanceof ClusterFailure)) return failure;
  const exitCode = failure.kind === "halt" ? exitCodes.refused : exitCodes.unreachable;
  return new CommandFailure(failure.reason ?? "LOG_UNREACHABLE", failure.message, { exitCode, cause: failure });
}
