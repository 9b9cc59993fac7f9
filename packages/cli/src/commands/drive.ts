import type { DriveReport } from "../admin/status-report.ts";
import { judgeAnswer } from "../client/judge-answer.ts";
import type { LiveFlags } from "../client/live-settings.ts";
import { CommandFailure } from "../command-failure.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { formatBytes, formatCount, formatTable } from "./format-values.ts";
import { withSignedClient, type Live } from "./live.ts";

/** `kakera drive ls` */
export function runDriveList(flags: LiveFlags, terminal: Terminal): Promise<ExitCode> {
  return withSignedClient(flags, terminal, async (live) => {
    const text = judgeAnswer(await live.client.send("GET", "/kakera/admin/v1/drives"));
    const { drives } = JSON.parse(text) as { drives: DriveReport[] };
    if (live.settings.isJson)
      for (const drive of drives) terminal.print(JSON.stringify({ kind: "drive", version: 1, ...drive }));
    else for (const line of driveTable(drives)) terminal.print(line);
    return exitCodes.done;
  });
}

/** `kakera drive replace DIR`: makes the empty folder DIR a drive, in place of the one that is missing there. */
export function runDriveReplace(directory: string, flags: LiveFlags, terminal: Terminal): Promise<ExitCode> {
  return withSignedClient(flags, terminal, async (live) => {
    await agree(
      live,
      `The drive that ${directory} held before is given up for good, and the folder is formatted. Go on?`,
    );
    const text = judgeAnswer(
      await live.client.send("POST", "/kakera/admin/v1/drives/replace", JSON.stringify({ directory })),
    );
    announce(live, {
      text,
      sentence: `${directory} is a drive now; what it should hold is being rebuilt (kakera status)`,
    });
    return exitCodes.done;
  });
}

/** `kakera drive add DIR`: makes the empty folder DIR a drive more. */
export function runDriveAdd(directory: string, flags: LiveFlags, terminal: Terminal): Promise<ExitCode> {
  return withSignedClient(flags, terminal, async (live) => {
    const text = judgeAnswer(
      await live.client.send("POST", "/kakera/admin/v1/drives/add", JSON.stringify({ directory })),
    );
    const { driveId } = JSON.parse(text) as { driveId: string };
    announce(live, {
      text,
      sentence: `${directory} is drive ${driveId} now, and holds nothing yet: kakera plan add ${driveId} gives it its share`,
    });
    return exitCodes.done;
  });
}

/** `kakera drive forget ID`: the operator's word that a drive is gone for good. */
export function runDriveForget(driveId: string, flags: LiveFlags, terminal: Terminal): Promise<ExitCode> {
  return withSignedClient(flags, terminal, async (live) => {
    await agree(live, `Drive ${driveId} is given up for good: what only it holds is lost. Go on?`);
    const text = judgeAnswer(
      await live.client.send("POST", "/kakera/admin/v1/drives/forget", JSON.stringify({ driveId })),
    );
    announce(live, { text, sentence: `drive ${driveId} is forgotten` });
    return exitCodes.done;
  });
}

function driveTable(drives: readonly DriveReport[]): string[] {
  const head = ["DRIVE", "STATE", "REASON", "FREE", "TOTAL", "SHARDS", "GARBAGE", "FOLDER", "ID"];
  const rows = drives.map((drive) => [
    String(drive.position),
    drive.condition,
    drive.reason ?? "",
    formatBytes(drive.freeBytes),
    formatBytes(drive.totalBytes),
    formatCount(drive.shardCount),
    formatBytes(drive.garbageBytes),
    drive.place,
    drive.driveId,
  ]);
  return formatTable([head, ...rows], [3, 4, 5, 6]);
}

async function agree(live: Live, question: string): Promise<void> {
  if (live.settings.isAgreed || (await live.terminal.askYes(question))) return;
  throw new CommandFailure("NOT_AGREED", "nothing was done", {
    exitCode: exitCodes.refused,
    remedy: "the same with --yes",
  });
}

function announce(live: Live, news: { readonly text: string; readonly sentence: string }): void {
  if (live.settings.isJson) live.terminal.print(news.text);
  else if (!live.settings.isQuiet) live.terminal.print(news.sentence);
}
