import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../version.ts";

/**
 * Leaves what is known of a bug of ours in a file that only its owner can read, and returns its path; null when not even
 * that works. No settings and no environment: they hold secrets.
 */
export function writeBugReport(error: unknown): string | null {
  const nowMs = Date.now();
  const path = join(
    tmpdir(),
    `kakera-bug-${new Date(nowMs).toISOString().replaceAll(/[:.]/g, "-")}-${process.pid}.txt`,
  );
  const lines = [
    `kakera ${version}`,
    `node ${process.version} ${process.platform} ${process.arch}`,
    `time ${new Date(nowMs).toISOString()}`,
    `up ${Math.round(process.uptime())} s`,
    `memory ${JSON.stringify(process.memoryUsage())}`,
    "",
    describe(error),
    "",
  ];
  try {
    writeFileSync(path, lines.join("\n"), { mode: 0o600, flag: "wx" });
    return path;
  } catch {
    return null;
  }
}

const causesMax = 10;

function describe(error: unknown): string {
  const texts: string[] = [];
  for (
    let at: unknown = error;
    at !== undefined && texts.length < causesMax;
    at = at instanceof Error ? at.cause : undefined
  ) {
    texts.push(at instanceof Error ? (at.stack ?? at.message) : JSON.stringify(at));
  }
  return texts.join("\ncaused by: ");
}
