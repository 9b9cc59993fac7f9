import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keys, openLmdbView, type ViewWrite, type WritableView } from "../src/index.ts";
import type { ReaderAnswer, ReaderQuestion } from "./sibling-reader.ts";

/** A reader of the view in a process of its own: LMDB opens a file once in each. */
class Reader {
  readonly process: ChildProcess;

  constructor(directory: string) {
    this.process = fork(join(import.meta.dirname, "sibling-reader.ts"), [directory], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
  }

  ask(question: ReaderQuestion): Promise<ReaderAnswer> {
    const answer = this.hear();
    this.process.send(question);
    return answer;
  }

  hear(): Promise<ReaderAnswer> {
    return new Promise((resolve) => this.process.once("message", (answer) => resolve(answer as ReaderAnswer)));
  }

  async end(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill(signal);
    await ended;
  }
}

describe("a view that another process writes", () => {
  let directory: string;
  let view: WritableView;
  let reader: Reader;
  let revision = 0;
  /** In a table that is busy. */
  const busyKey = (name: string): Buffer => Buffer.from(`g${name}`);
  const put = (key: Uint8Array, value: string): ViewWrite => ({
    kind: "put",
    key,
    value: Buffer.from(value),
    revision: revision + 1,
  });
  const positionAt = (at: number) => ({ logId: "l", revision: at, term: 1, sequence: at, checksum: String(at) });
  const apply = (...writes: ViewWrite[]): void => {
    revision++;
    view.apply({ revision, position: positionAt(revision), writes });
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "kakera-sibling-"));
    view = openLmdbView({ directory: join(directory, "view") });
    revision = 0;
    apply(put(busyKey("first"), "in a table that is busy, and in no other"));
    reader = new Reader(join(directory, "view"));
  });
  afterEach(async () => {
    await reader.end();
    await view.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const hex = (key: Uint8Array): string => Buffer.from(key).toString("hex");

  test("shows what was applied as soon as it is refreshed, with the revision, in every way to read", async () => {
    for (let round = 0; round < 50; round++) {
      apply(put(busyKey(`k${round}`), `v${round}`));
      const found = await reader.ask({ kind: "read", key: hex(busyKey(`k${round}`)) });
      expect(found).toMatchObject({ values: [`v${round}`], revision, appliedRevision: revision });
    }
    const { from, to } = { from: hex(busyKey("k")), to: hex(busyKey("l")) };
    expect(await reader.ask({ kind: "list", from, to })).toMatchObject({ count: 50, walked: 50, last: "v9" });
  });

  test("reads one state for a turn, and the newest after a refresh within it", async () => {
    const key = busyKey("k");
    apply(put(key, "old"));
    const flag = join(directory, "changed");
    await reader.ask({ kind: "within-a-turn", key: hex(key), flag });
    apply(put(key, "new"));
    const answer = reader.hear();
    writeFileSync(flag, "");
    expect(await answer).toEqual({ values: ["old", "old", "new"], appliedRevision: revision });
  });

  test("tells a table that changed from tables that did not, and every change of busy ones", async () => {
    const before = await reader.ask({ kind: "generations" });
    apply(put(busyKey("k"), "v"));
    const afterBusy = await reader.ask({ kind: "generations" });
    expect(afterBusy.generations?.bucket).toBe(before.generations?.bucket);
    expect(afterBusy.generations?.garbage).not.toBe(before.generations?.garbage);
    apply(put(keys.bucket("second"), "another"));
    const afterBucket = await reader.ask({ kind: "generations" });
    expect(afterBucket.generations?.bucket).not.toBe(before.generations?.bucket);
  });

  test("answers nothing while it is filled anew, and what it holds then", async () => {
    apply(put(busyKey("k"), "v"));
    view.clear();
    view.load([{ key: busyKey("k"), value: Buffer.from("again"), revision: 1 }], null);
    expect(await reader.ask({ kind: "read", key: hex(busyKey("k")) })).toMatchObject({
      failure: "retry",
    });
    view.load([], positionAt(9));
    expect(await reader.ask({ kind: "read", key: hex(busyKey("k")) })).toMatchObject({
      values: ["again"],
      appliedRevision: 9,
    });
  });

  test("a reader that died pins nothing once it is cleared away", async () => {
    await reader.ask({ kind: "pin", key: hex(busyKey("first")) });
    await reader.end("SIGKILL");
    expect(view.readers?.clearDead()).toBe(1);
    const grow = (): number => {
      for (let round = 0; round < 2000; round++) apply(put(busyKey(`k${round % 50}`), `v${round}`.repeat(20)));
      const { fileBytes = 0, liveBytes = 1 } = view.readers?.sizes() ?? {};
      return fileBytes / liveBytes;
    };
    expect(grow()).toBeLessThan(8);
  });
});
