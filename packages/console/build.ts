/** Bundles src/app for the browser into build/, unless that was made from these very inputs. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const here = import.meta.dirname;
const output = join(here, "build");
const stampName = "inputs.txt";

function digestOfInputs(): string {
  const hash = createHash("sha256");
  const { version } = createRequire(import.meta.url)("vite/package.json") as { version: string };
  hash.update(version);
  const sources = readdirSync(join(here, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  for (const path of [...sources, join(here, "package.json"), import.meta.filename].sort())
    hash.update(path.slice(here.length)).update(readFileSync(path));
  return hash.digest("hex");
}

function isCurrent(digest: string): boolean {
  try {
    return readFileSync(join(output, stampName), "utf8") === digest;
  } catch {
    return false;
  }
}

async function bundle(outDir: string): Promise<void> {
  const { build } = await import("vite");
  await build({
    root: join(here, "src", "app"),
    base: "/console/",
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    build: {
      outDir,
      emptyOutDir: true,
      // The page's policy knows no inline script, no inline style and no data: URL.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      target: "es2023",
    },
  });
}

const digest = digestOfInputs();
if (!isCurrent(digest)) {
  // Renamed into place: a server may be starting from the folder at this moment.
  const draft = join(here, `build.${process.pid}`);
  await bundle(draft);
  writeFileSync(join(draft, stampName), digest);
  rmSync(output, { recursive: true, force: true });
  renameSync(draft, output);
}
