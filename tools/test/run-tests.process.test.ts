import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
let tree = "";

/** A tree with two suites of our choosing, run by the real tool and the real vitest. */
beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), "kakera-run-tests-"));
  mkdirSync(join(tree, "tools"));
  for (const name of ["run-tests.ts", "suite-outcome.ts", "test-length.ts"])
    cpSync(join(root, "tools", name), join(tree, "tools", name));
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  writeFileSync(join(tree, "package.json"), '{"type":"module"}');
  writeFileSync(
    join(tree, "vitest.config.ts"),
    `export default { test: { projects: ["wire", "model"].map((name) => ({ test: { name, include: ["test/" + name + "/*.test.ts"] } })) } };`,
  );
  for (const suite of ["wire", "model"]) mkdirSync(join(tree, "test", suite), { recursive: true });
});
afterEach(() => rmSync(tree, { recursive: true, force: true }));

function plant(suite: string, text: string, file = "planted.test.ts"): void {
  writeFileSync(join(tree, "test", suite, file), `import { describe, expect, test } from "vitest";\n${text}`);
}

function runTests(...args: string[]): { status: number | null; lastLines: string[] } {
  const { status, stdout } = spawnSync(process.execPath, [join(tree, "tools", "run-tests.ts"), ...args], {
    encoding: "utf8",
    // What this run was told is not for the one under test.
    env: { ...process.env, KAKERA_TEST_FORBID_SKIPS: "", KAKERA_TEST_LENGTH: "here" },
  });
  const lines = stdout.trimEnd().split("\n");
  return { status, lastLines: lines.slice(lines.findIndex((line) => / min {2}\d/.test(line))) };
}

const passing = 'test("passes", () => expect(1).toBe(1));';
const failing = 'describe("a suite", () => test("fails", () => { throw new Error("the reason\\nand more"); }));';

describe("run-tests", () => {
  test("ends with the sum alone when all is well", () => {
    plant("wire", passing);
    plant("model", passing);
    const { status, lastLines } = runTests("--only", "wire,model");
    expect(lastLines.slice(2)).toEqual(["", "2 passed, 0 failed"]);
    expect(status).toBe(0);
  });

  test("names what failed in every run that shared its totals, after the table and before the sum", () => {
    const totals = ["--totals", join(tree, "totals.json")];
    plant("wire", `${passing}\n${failing}`);
    expect(runTests("--only", "wire", ...totals).status).toBe(1);
    plant("model", passing);
    const { status, lastLines } = runTests("--only", "model", ...totals);
    expect(lastLines.slice(1)).toEqual([
      "",
      "FAILED wire: a suite fails",
      "       Error: the reason",
      "",
      "2 passed, 1 failed",
    ]);
    expect(status).toBe(1);
  });

  test("names a file that cannot be loaded, a suite that is not there, and one that holds no test", () => {
    plant("wire", 'import "./not-there.ts";');
    const { status, lastLines } = runTests("--only", "wire,model,nothing");
    const end = lastLines.slice(3).join("\n");
    expect(end).toMatch(/FAILED wire: .*planted\.test\.ts\n {7}.*not-there/);
    expect(end).toMatch(
      /FAILED model: the run itself\n {7}it ended with 1 and wrote no report|FAILED model: the run itself\n {7}it ran no test/,
    );
    expect(end).toContain("FAILED nothing: there is no such suite");
    expect(end).toMatch(/\n0 passed, 3 failed$/);
    expect(status).toBe(1);
  });

  test("names a test that was skipped where skips are forbidden", () => {
    plant("wire", `${passing}\ntest.skip("is left out", () => {});`);
    expect(runTests("--only", "wire").status).toBe(0);
    const { status, lastLines } = runTests("--only", "wire", "--forbid-skips");
    expect(lastLines.slice(2)).toEqual([
      "FAILED wire: is left out",
      "       it was skipped, and skips are forbidden",
      "",
      "1 passed, 1 failed",
    ]);
    expect(status).toBe(1);
  });

  test("tells which files it leaves to .ci/run, and runs a suite that has none but those when it is named", () => {
    const runsAt = (length: string): string =>
      `test("runs", () => expect(process.env.KAKERA_TEST_LENGTH).toBe("${length}"));`;
    plant("wire", runsAt("here"));
    plant("wire", "", "more.long.test.ts");
    plant("model", runsAt("ci"), "all.long.test.ts");
    writeFileSync(
      join(tree, "vitest.config.ts"),
      `const exclude = process.env.KAKERA_TEST_LENGTH === "here" ? ["**/*.long.test.ts"] : [];
       export default { test: { projects: ["wire", "model"].map((name) => ({ test: { name, include: ["test/" + name + "/*.test.ts"], exclude } })) } };`,
    );
    const { status, lastLines } = runTests("--only", "wire,model");
    expect(lastLines.slice(2)).toEqual([
      "",
      "left to .ci/run (KAKERA_TEST_LENGTH=ci npm test runs them too): more.long.test.ts",
      "",
      "2 passed, 0 failed",
    ]);
    expect(status).toBe(0);
  });
});
