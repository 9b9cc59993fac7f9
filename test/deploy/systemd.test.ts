import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { exitCodes } from "@kakera/cli";
import { hasProgram } from "../harness/needs.ts";
import { run } from "../harness/run.ts";
import { root } from "../harness/server.ts";
import { settingsOf } from "./settings/settings-of.ts";

const unit = readFileSync(join(root, "deploy", "systemd", "kakera.service"), "utf8");
/** All values of a directive, in their order. */
const valuesOf = (name: string): string[] =>
  [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value]) => value as string);

describe("the systemd unit", () => {
  test("starts the program as it is called, and gives requests more time to end than the program takes", () => {
    const [program, ...args] = (valuesOf("ExecStart")[0] as string).split(" ");
    expect(program).toBe("/opt/kakera/bin/kakera");
    const env = Object.fromEntries(valuesOf("Environment").map((pair) => pair.split("=") as [string, string]));
    const settings = settingsOf({ args, env: { ...env, KAKERA_VOLUMES: "/srv/drive{1...4}" }, hostName: "node" });
    expect(settings.drives).toEqual(["/srv/drive1", "/srv/drive2", "/srv/drive3", "/srv/drive4"]);
    expect(Number(valuesOf("TimeoutStopSec")[0])).toBeGreaterThanOrEqual((settings.drainTimeoutMs / 1000) * 2);
  });

  test("does not start again what would end in the same way", () => {
    const { usage, refused, notPermitted, unreachable } = exitCodes;
    const prevented = (valuesOf("RestartPreventExitStatus")[0] as string).split(" ").map(Number);
    expect(prevented).toEqual([usage, refused, notPermitted]);
    expect(prevented).not.toContain(unreachable);
  });

  const isThere = hasProgram("systemd-analyze", "deploy systemd");
  /** The unit with a program that is there, in a folder of its own. */
  function written(): string {
    const folder = mkdtempSync(join(tmpdir(), "kakera-unit-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "kakera.service");
    writeFileSync(path, unit.replace("/opt/kakera/bin/kakera", join(root, "bin", "kakera")));
    return path;
  }

  test.skipIf(!isThere)("is one that systemd finds nothing wrong with", async () => {
    const { status, stderr } = await run("systemd-analyze", ["verify", "--man=no", written()]);
    // What is wrong with the machine's own units is not ours to mend.
    const complaints = stderr.split("\n").filter((line) => line.includes("kakera.service"));
    expect([status, complaints]).toEqual([0, []]);
  });

  test.skipIf(!isThere)("exposes little of the machine, by systemd's own measure of ten", async () => {
    const { stdout } = await run("systemd-analyze", ["security", "--offline=yes", "--no-pager", written()]);
    const exposure = Number(/exposure level for kakera\.service: ([\d.]+)/.exec(stdout.toString())?.[1]);
    expect(exposure).toBeLessThan(2.5);
  });
});
