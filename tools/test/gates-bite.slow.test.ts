import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
let copy = "";

/** A violation planted in a copy of the tree, the gate that must turn red, and what it must say. */
interface Planting {
  readonly fault: string;
  readonly gate: "format" | "lint" | "types" | "tidy" | "dead code" | "unit tests";
  readonly path: string;
  readonly text: string;
  readonly says: RegExp;
}

const plantings: readonly Planting[] = [
  {
    fault: "badly formatted code",
    gate: "format",
    path: "packages/kernel/src/planted.ts",
    text: "export const   planted={a:1}\n",
    says: /planted\.ts/,
  },
  {
    fault: "a wall clock in the core",
    gate: "lint",
    path: "packages/placement/src/planted.ts",
    text: "export const planted = (): number => Date.now();\n",
    says: /Clock port/,
  },
  {
    fault: "Math.random in the core",
    gate: "lint",
    path: "packages/placement/src/planted.ts",
    text: "export const planted = (): number => Math.random();\n",
    says: /Random port/,
  },
  {
    fault: "a timer in the core",
    gate: "lint",
    path: "packages/s3/src/planted.ts",
    text: "export const planted = (): unknown => setTimeout(() => {}, 1);\n",
    says: /Clock\.setTimer/,
  },
  {
    fault: "process.env in the core",
    gate: "lint",
    path: "packages/s3/src/planted.ts",
    text: "export const planted = process.env.HOME;\n",
    says: /take settings/,
  },
  {
    fault: "the file system in the core",
    gate: "lint",
    path: "packages/s3/src/planted.ts",
    text: 'export { readFile } from "node:fs/promises";\n',
    says: /Only drivers/,
  },
  {
    fault: "a reach into another package",
    gate: "lint",
    path: "packages/s3/src/planted.ts",
    text: 'export { assert } from "../../kernel/src/assert.ts";\n',
    says: /No relative import leaves/,
  },
  {
    fault: "a floating promise",
    gate: "lint",
    path: "packages/placement/src/planted.ts",
    text: "const work = async (): Promise<void> => {};\nexport function planted(): void {\n  work();\n}\n",
    says: /floating/,
  },
  {
    fault: "a default export",
    gate: "lint",
    path: "packages/placement/src/planted.ts",
    text: "const planted = 1;\nexport default planted;\n",
    says: /default/,
  },
  {
    fault: "an unfinished switch",
    gate: "lint",
    path: "packages/placement/src/planted.ts",
    text: 'export function planted(x: "a" | "b"): number {\n  switch (x) {\n    case "a":\n      return 1;\n  }\n  return 0;\n}\n',
    says: /exhaustive/,
  },
  {
    fault: "a type error",
    gate: "types",
    path: "packages/placement/src/planted.ts",
    text: 'export const planted: number = "one";\n',
    says: /planted\.ts/,
  },
  {
    fault: "an upward import",
    gate: "tidy",
    path: "packages/placement/src/planted.ts",
    text: 'export type { Bodies } from "@kakera/gateway";\n',
    says: /not in the package's dependencies/,
  },
  {
    fault: "a file named utils",
    gate: "tidy",
    path: "packages/placement/src/utils.ts",
    text: "export const planted = 1;\n",
    says: /name the noun/,
  },
  {
    fault: "a promise left in the code",
    gate: "tidy",
    path: "packages/placement/src/planted.ts",
    text: `// ${"TO" + "DO"}: later\nexport const planted = 1;\n`,
    says: /promise left/,
  },
  {
    fault: "a decision without a status",
    gate: "tidy",
    path: "docs/decisions/9999-planted.md",
    text: "# Planted\n",
    says: /Status/,
  },
  {
    fault: "S3 behaviour that no test shows",
    gate: "tidy",
    path: "docs/s3-behaviour.md",
    text: "| 99 | planted |\n",
    says: /no test has "line 99"/,
  },
  {
    fault: "a test of S3 behaviour that is not listed",
    gate: "tidy",
    path: "packages/s3/test/planted.test.ts",
    text: 'import { test } from "vitest";\ntest("line 98: planted", () => {});\n',
    says: /names line 98/,
  },
  {
    fault: "an unused export",
    gate: "dead code",
    path: "packages/placement/src/mix.ts",
    text: "\nexport const planted = 1;\n",
    says: /planted/,
  },
  {
    fault: "an unused file",
    gate: "dead code",
    path: "packages/placement/src/planted.ts",
    text: "export const planted = 1;\n",
    says: /planted\.ts/,
  },
  {
    fault: "a failing unit test",
    gate: "unit tests",
    path: "packages/placement/test/planted.test.ts",
    text: 'import { expect, test } from "vitest";\ntest("planted", () => {\n  expect(1).toBe(2);\n});\n',
    says: /planted/,
  },
  {
    fault: "an error code that docs/errors.md does not name",
    gate: "unit tests",
    path: "docs/errors.md",
    text: "",
    says: /errors\.md/,
  },
];

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "kakera-gates-"));
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  for (const path of listed.split("\n").filter((name) => name !== "")) {
    mkdirSync(join(copy, dirname(path)), { recursive: true });
    try {
      cpSync(join(root, path), join(copy, path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  for (const name of readdirSync(join(root, "packages"))) linkModules(join("packages", name));
  for (const name of ["test", "bench", "tools"]) linkModules(name);
  cpSync(join(root, "packages/protocol/src/generated"), join(copy, "packages/protocol/src/generated"), {
    recursive: true,
  });
  cpSync(join(root, "packages/erasure/build"), join(copy, "packages/erasure/build"), { recursive: true });
  execFileSync("git", ["init", "-q"], { cwd: copy });
  execFileSync("git", ["add", "-A"], { cwd: copy });
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** Packages see each other inside the copy; everything else comes from the checkout's own modules. */
function linkModules(place: string): void {
  const source = join(root, place, "node_modules");
  const target = join(copy, place, "node_modules");
  let entries: string[];
  try {
    entries = readdirSync(source);
  } catch {
    return;
  }
  mkdirSync(target, { recursive: true });
  for (const entry of entries) {
    if (entry !== "@kakera") symlinkSync(join(source, entry), join(target, entry));
  }
  if (!entries.includes("@kakera")) return;
  mkdirSync(join(target, "@kakera"), { recursive: true });
  for (const name of readdirSync(join(source, "@kakera")))
    symlinkSync(join(copy, "packages", name), join(target, "@kakera", name));
}

function runGate(gate: Planting["gate"]): { status: number | null; output: string } {
  const bin = (name: string): string => join(root, "node_modules", ".bin", name);
  const commands: Record<Planting["gate"], [string, string[]]> = {
    format: [bin("oxfmt"), ["--check", "packages/kernel/src"]],
    lint: [bin("oxlint"), ["--deny-warnings", "packages/placement", "packages/s3"]],
    types: [bin("tsc"), ["-p", "tsconfig.json"]],
    tidy: [process.execPath, ["tools/tidy/main.ts"]],
    "dead code": [bin("knip"), ["--no-progress"]],
    "unit tests": [
      process.execPath,
      [
        join(root, "node_modules/vitest/vitest.mjs"),
        "run",
        "--project",
        "unit",
        "packages/placement",
        "packages/s3/test/errors",
      ],
    ],
  };
  const [command, args] = commands[gate];
  const run = spawnSync(command, args, { cwd: copy, encoding: "utf8" });
  return { status: run.status, output: `${run.stdout}${run.stderr}` };
}

describe("each gate of pnpm check", () => {
  test.each([...new Set(plantings.map((planting) => planting.gate))])("%s is green on the tree as it is", (gate) => {
    const { status, output } = runGate(gate);
    expect(output.slice(-2000) + `exit ${status}`).toMatch(/exit 0$/);
  });

  test.each(plantings)("$gate bites on $fault", ({ gate, path, text, says }) => {
    const place = join(copy, path);
    const before = plantText(place, text);
    try {
      const { status, output } = runGate(gate);
      expect(status).not.toBe(0);
      expect(output).toMatch(says);
    } finally {
      if (before === null) rmSync(place);
      else writeFileSync(place, before);
    }
  });
});

/** Appends to a file that is there, makes one that is not; empty text cuts the file's last line off. Gives what was there. */
function plantText(place: string, text: string): string | null {
  let before: string | null = null;
  try {
    before = readFileSync(place, "utf8");
  } catch {
    mkdirSync(dirname(place), { recursive: true });
  }
  if (before === null) writeFileSync(place, text);
  else if (text === "") writeFileSync(place, before.trimEnd().split("\n").slice(0, -1).join("\n"));
  else appendFileSync(place, text);
  return before;
}
