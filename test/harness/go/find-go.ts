import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../server.ts";
import { judgeGo, type GoVerdict } from "./judge-go.ts";

/** Whether the Go that is on this machine can build the module in `directory`, as the file of that name there describes it. */
export function findGo(directory: string, moduleFile = "go.mod"): GoVerdict {
  return judgeGo({
    moduleText: readFileSync(join(directory, moduleFile), "utf8"),
    version: versionOfGo(),
    notInstallable: process.env["KAKERA_TEST_WITHOUT_GO"] ?? null,
  });
}

/** Null: there is none. */
function versionOfGo(): string | null {
  // Outside the module, and for itself: within it Go would fetch the version that is asked for.
  const ran = spawnSync("go", ["env", "GOVERSION"], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, GOTOOLCHAIN: "local" },
  });
  return ran.status === 0 ? ran.stdout.trim().replace(/^go/, "") : null;
}
