/** Builds what is generated: each package's build.ts, in order of layers. Each is quick when its inputs did not change. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
for (const name of ["protocol", "erasure", "console"]) {
  const script = join(root, "packages", name, "build.ts");
  if (existsSync(script)) execFileSync(process.execPath, [script], { stdio: "inherit" });
}
