import type { Tree } from "./tree.ts";

export interface Breach {
  readonly place: string;
  readonly message: string;
}

/** Layer of each package: imports go strictly down (ARCHITECTURE.md). */
const layers: Readonly<Record<string, number>> = {
  kernel: 0,
  console: 1,
  disk: 1,
  erasure: 1,
  placement: 1,
  protocol: 1,
  s3: 1,
  load: 2,
  metadata: 2,
  rpc: 2,
  "storage-node": 3,
  gateway: 3,
  maintenance: 3,
  cli: 4,
  simulator: 4,
};
const fileLinesMax = 400;
const forbiddenNames = new Set(["utils", "util", "common", "shared", "helpers", "helper", "lib", "misc"]);

export function findBreaches(tree: Tree): Breach[] {
  return [
    ...importsGoDown(tree),
    ...onlyDeclaredImports(tree),
    ...namesSayWhatTheyAre(tree),
    ...filesStaySmall(tree),
    ...everyPackageHasAReadme(tree),
    ...decisionsHaveStatusAndDate(tree),
    ...storyFilesExist(tree),
    ...behaviourIsTested(tree),
    ...noPromisesLeft(tree),
    ...noMachineTraces(tree),
  ];
}

const packageOf = (path: string): string | null => /^packages\/([a-z0-9-]+)\//.exec(path)?.[1] ?? null;
const sources = (tree: Tree): string[] =>
  tree.paths.filter((path) => /^packages\/[^/]+\/src\/.*\.tsx?$/.test(path) && !path.includes("/generated/"));

function manifestOf(
  tree: Tree,
  name: string,
): { dependencies?: Record<string, string>; devDependencies?: Record<string, string> } {
  return JSON.parse(tree.read(`packages/${name}/package.json`)) as { dependencies?: Record<string, string> };
}

function importsGoDown(tree: Tree): Breach[] {
  const breaches: Breach[] = [];
  for (const [name, layer] of Object.entries(layers)) {
    if (!tree.has(`packages/${name}/package.json`)) continue;
    for (const dependency of Object.keys(manifestOf(tree, name).dependencies ?? {})) {
      if (!dependency.startsWith("@kakera/")) continue;
      const below = layers[dependency.slice("@kakera/".length)];
      if (below === undefined || below >= layer) {
        breaches.push({
          place: `packages/${name}/package.json`,
          message: `${dependency} is not below ${name}: imports go strictly down`,
        });
      }
    }
  }
  return breaches;
}

function onlyDeclaredImports(tree: Tree): Breach[] {
  const breaches: Breach[] = [];
  for (const path of sources(tree)) {
    const name = packageOf(path);
    if (name === null) continue;
    const declared = new Set(Object.keys(manifestOf(tree, name).dependencies ?? {}));
    for (const match of tree.read(path).matchAll(/^(?:import|export)[^;]*?from\s+"([^"]+)"/gms)) {
      const specifier = match[1] as string;
      if (specifier.startsWith(".") || specifier.startsWith("node:")) continue;
      const wanted = specifier.startsWith("@")
        ? specifier.split("/").slice(0, 2).join("/")
        : (specifier.split("/")[0] as string);
      if (!declared.has(wanted))
        breaches.push({ place: path, message: `${wanted} is not in the package's dependencies` });
    }
  }
  return breaches;
}

function namesSayWhatTheyAre(tree: Tree): Breach[] {
  return tree.paths
    .filter((path) => /^(packages|tools|bench|test)\//.test(path))
    .flatMap((path) =>
      path
        .split("/")
        .filter((part) => forbiddenNames.has(part.replace(/\.[a-z.]+$/, "")))
        .map((part) => ({ place: path, message: `"${part}" says nothing: name the noun that it serves` })),
    );
}

function filesStaySmall(tree: Tree): Breach[] {
  return sources(tree)
    .map((path) => ({ path, lines: tree.read(path).split("\n").length }))
    .filter(({ lines }) => lines > fileLinesMax)
    .map(({ path, lines }) => ({
      place: path,
      message: `${lines} lines (at most ${fileLinesMax}): is there a second noun in it?`,
    }));
}

function everyPackageHasAReadme(tree: Tree): Breach[] {
  return tree.paths
    .filter((path) => /^packages\/[^/]+\/package\.json$/.test(path))
    .map((path) => path.replace("package.json", "README.md"))
    .filter((path) => !tree.has(path))
    .map((path) => ({ place: path, message: "every package says what it is and where a stranger starts reading" }));
}

function decisionsHaveStatusAndDate(tree: Tree): Breach[] {
  return tree.paths
    .filter((path) => /^docs\/decisions\/\d{4}-.*\.md$/.test(path))
    .filter((path) => !/^Status: .+\d{4}-\d{2}-\d{2}/m.test(tree.read(path)))
    .map((path) => ({ place: path, message: 'a decision has a line "Status: accepted, 2026-01-31"' }));
}

/** The stories of ARCHITECTURE.md name files in backquotes: each must exist. */
function storyFilesExist(tree: Tree): Breach[] {
  if (!tree.has("ARCHITECTURE.md")) return [{ place: "ARCHITECTURE.md", message: "is missing" }];
  const named = [...tree.read("ARCHITECTURE.md").matchAll(/`([a-z0-9-]+\/src\/[a-z0-9/.-]+\.ts)`/g)].map(
    (match) => match[1] as string,
  );
  return named
    .filter((path) => !tree.has(`packages/${path}`))
    .map((path) => ({ place: "ARCHITECTURE.md", message: `names packages/${path}, which does not exist` }));
}

const behaviourIndex = "docs/s3-behaviour.md";

/** Every row of the index of S3 behaviour stands in the title of a test, and titles name no row that it lacks. */
function behaviourIsTested(tree: Tree): Breach[] {
  if (!tree.has(behaviourIndex)) return [{ place: behaviourIndex, message: "is missing" }];
  const rows = new Set([...tree.read(behaviourIndex).matchAll(/^\| (\d+) /gm)].map((match) => Number(match[1])));
  const named = tree.paths
    .filter((path) => /^(packages\/[^/]+\/test|test)\/.*\.test\.ts$/.test(path))
    .flatMap((path) => behaviourNamedIn(tree.read(path)).map((row) => ({ path, row })));
  const tested = new Set(named.map(({ row }) => row));
  return [
    ...[...rows]
      .filter((row) => !tested.has(row))
      .map((row) => ({ place: behaviourIndex, message: `no test has "line ${row}" in its title` })),
    ...named
      .filter(({ row }) => !rows.has(row))
      .map(({ path, row }) => ({ place: path, message: `names line ${row}, which ${behaviourIndex} lacks` })),
  ];
}

/** Rows in the titles of a test file: `line 5`, `lines 7 and 8`, `lines 21, 27 and 33`, `lines 28 to 30`. */
function behaviourNamedIn(text: string): number[] {
  const titles = [...text.matchAll(/^ *(?:(?:describe|it|test)\b[^"'`\n]*|\]\))\(\s*["'`]([^"'`\n]*)/gm)].map(
    (match) => match[1]!,
  );
  return titles
    .flatMap((title) => [...title.matchAll(/\blines? (\d+(?:(?:, | and | to )\d+)*)/g)].map((match) => match[1]!))
    .flatMap((listed) => {
      const rows = [...listed.matchAll(/\d+/g)].map(([digits]) => Number(digits));
      if (!listed.includes(" to ")) return rows;
      const [first = 0, last = 0] = rows;
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

function noPromisesLeft(tree: Tree): Breach[] {
  const promise = new RegExp(
    ["TO" + "DO", "FIX" + "ME", "HA" + "CK", "for " + "now"].map((word) => `\\b${word}\\b`).join("|"),
  );
  return tree.paths
    .filter((path) => /^(packages|bench|tools|deploy|bin)\//.test(path) && /\.(ts|sh)$/.test(path))
    .flatMap((path) =>
      tree
        .read(path)
        .split("\n")
        .flatMap((line, index) =>
          promise.test(line)
            ? [{ place: `${path}:${index + 1}`, message: "a promise left in the code: keep it or file an issue" }]
            : [],
        ),
    );
}

function noMachineTraces(tree: Tree): Breach[] {
  const trace = /\/(?:work|root|home\/[a-z]+)\/|registry\.npmjs\.org|npm\.pkg\.github\.com/;
  return tree.paths
    .filter((path) => /\.(ts|sh|md|json|yaml|yml|proto)$/.test(path) && !path.includes("fixtures/"))
    .flatMap((path) =>
      tree
        .read(path)
        .split("\n")
        .flatMap((line, index) =>
          trace.test(line) && !path.startsWith("tools/tidy/")
            ? [{ place: `${path}:${index + 1}`, message: "a path or host of one machine" }]
            : [],
        ),
    );
}
