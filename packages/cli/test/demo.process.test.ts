import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { obtainEtcd } from "../../../test/harness/etcd/obtain-etcd.ts";
import { killAll, start, until, type Kakera } from "./process/kakera.ts";

const etcd = await obtainEtcd("current", "kakera demo");
let started: Kakera | null = null;
// What a demo started outlives its SIGKILL.
afterEach(() => {
  killAll();
  for (const pid of started === null ? [] : processesOf(started).filter(isRunning)) process.kill(pid, "SIGKILL");
});

/** Only a start that hangs takes so long, however busy the machine is. */
const withinMs = 120_000;

function processesOf(demo: Kakera): number[] {
  return [...demo.output().matchAll(/process (\d+)/g)].map(([, pid]) => Number(pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const linesOf = (demo: Kakera, pattern: RegExp): string[] =>
  demo
    .output()
    .split("\n")
    .filter((line) => pattern.test(line));

describe.skipIf(etcd === null)("kakera demo", () => {
  test("runs a cluster that survives the kill of a node and the loss of a drive's folder, and ends all that it started", async () => {
    const demo = start(["demo"], { KAKERA_DEMO_ETCD: etcd?.server ?? "" });
    started = demo;
    await until("four nodes are ready", () => linesOf(demo, /^node\d ready/).length >= 4, withinMs);
    await until("objects are written and read", () => linesOf(demo, /^objects are written/).length === 1, withinMs);
    const folder = /in (\S+) \(removed at the end\)/.exec(demo.output())?.[1] as string;
    const [killed] = linesOf(demo, /^node3 ready/).map((line) => Number(/process (\d+)/.exec(line)?.[1]));
    process.kill(killed as number, "SIGKILL");
    await until("it says so", () => linesOf(demo, /^node3 ended by SIGKILL/).length === 1, withinMs);
    await until("the node is started again", () => linesOf(demo, /^node3 ready/).length === 2, withinMs);
    rmSync(join(folder, "node2", "drive1"), { recursive: true });
    await until(
      "it says so",
      () => linesOf(demo, /^the cluster is attention: .*DRIVE_(OFFLINE|NOT_MOUNTED)/).length > 0,
      withinMs,
    );
    expect(linesOf(demo, / failed: /)).toEqual([]);
    demo.process.kill("SIGINT");
    const { code } = await demo.ended;
    expect([code, existsSync(folder)]).toEqual([0, false]);
    const processes = processesOf(demo);
    expect(processes.length).toBeGreaterThanOrEqual(5);
    expect(processes.filter(isRunning)).toEqual([]);
  });

  test("says how to get an etcd where there is none", async () => {
    const { code, stderr } = await start(["demo"], { KAKERA_DEMO_ETCD: "/nowhere/etcd" }).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/ETCD_MISSING: KAKERA_DEMO_ETCD: \/nowhere\/etcd .*Try: install etcd 3\.6\.9 or newer/);
  });
});
