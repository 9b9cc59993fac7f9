import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { boundedDisk, createNodeDisk, DriveSlowFailure } from "@kakera/disk";
import { createManualClock, type Disk } from "@kakera/kernel";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

/** libuv's default; the calls of all drives of a process share it. */
const poolThreads = 4;

describe("a drive that hangs", () => {
  let folder: string;
  let release: () => void;

  // Opening a named pipe to read blocks its thread until somebody opens it to write: a drive in D state, without root.
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "kakera-hung-"));
    for (const drive of ["hung", "well"]) fs.mkdirSync(join(folder, drive));
    const pipe = join(folder, "hung", "pipe");
    execFileSync("sh", ["-c", 'mkfifo "$0"', pipe]);
    release = () => fs.closeSync(fs.openSync(pipe, fs.constants.O_RDWR | fs.constants.O_NONBLOCK));
  });
  afterEach(async () => rm(folder, { recursive: true }));

  it("stops every other drive of the process when nothing bounds its calls", async () => {
    const hung = createNodeDisk(join(folder, "hung"));
    const opens = Array.from({ length: poolThreads }, () => hung.open("pipe", { access: "read" }));
    const answer = createNodeDisk(join(folder, "well")).stat("");
    expect(await within(300, answer)).toBe("no answer");
    release();
    for (const file of await Promise.all(opens)) await file.close();
    expect(await answer).toMatchObject({ isDirectory: true });
  });

  it("leaves the other drives alone when its calls are bounded, and comes back", async () => {
    const events: string[] = [];
    // Time passes when the test says so: on a busy machine the drive that is well may take as long as it likes.
    const clock = createManualClock();
    const bounded = (drive: string): ReturnType<typeof boundedDisk> =>
      boundedDisk(createNodeDisk(join(folder, drive)), {
        callsMax: Math.floor(poolThreads / 3),
        queuedCallsMax: 100,
        deadlineMs: 150,
        clock,
        onSuspect: () => events.push(`${drive} suspect`),
        onRecovered: () => events.push(`${drive} recovered`),
      });
    const [hung, well] = [bounded("hung"), bounded("well")];
    const opens = Array.from({ length: 8 }, () => hung.open("pipe", { access: "read" }));
    const failures = Promise.all(
      opens.map((open) =>
        open.then(
          () => "opened",
          (error: unknown) => error,
        ),
      ),
    );
    await exercise(well);
    clock.advance(150);
    for (const failure of await failures) expect(failure).toBeInstanceOf(DriveSlowFailure);
    expect(hung.isSuspect()).toBe(true);
    await exercise(well);
    release();
    await hung.settled();
    expect(events).toEqual(["hung suspect", "hung recovered"]);
    await exercise(hung);
    // The file that opened too late is closed, though nobody waits for that.
    await vi.waitFor(() => expect(openIn(folder)).toEqual([]), { timeout: 30_000 });
  });
});

async function exercise(disk: Disk): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) {
    const file = await disk.open("a", { access: "create" });
    await file.write(new Uint8Array(100), 0);
    await file.close();
    await disk.unlink("a");
  }
}

async function within<Result>(limitMs: number, answer: Promise<Result>): Promise<Result | "no answer"> {
  const tooLate = new Promise<"no answer">((resolve) => setTimeout(() => resolve("no answer"), limitMs));
  return Promise.race([answer, tooLate]);
}

/** The files below `folder` that this process has open. */
function openIn(folder: string): string[] {
  const targets = fs.readdirSync("/proc/self/fd").map((descriptor) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return "";
    }
  });
  return targets.filter((target) => target.startsWith(folder));
}
