/**
 * The acceptance table, a row by name. Ratios are taken within one run, in ABBA order, three rounds, medians; server and client
 * are pinned to a core each; CPU is user and system time of the whole server process tree. One wrong byte or error voids a run.
 * Usage: node bench/accept.ts [--only list,ready,...] [--seconds 1.5] [--rounds 3] [--million DIRECTORY] [--objects 1000000]
 * `--million`: a folder for the million objects that list, ready and delete-objects need; kept, and taken as it is next time.
 */
import { execFileSync } from "node:child_process";
import { clientCore } from "./load/servers.ts";
import { getBig, getMiddle, getSmall, putBig, putSmall } from "./rows/against-bare.ts";
import { degraded } from "./rows/degraded.ts";
import { deleteObjects } from "./rows/delete-objects.ts";
import { fiveGib } from "./rows/five-gib.ts";
import { groupCommit } from "./rows/group-commit.ts";
import { list } from "./rows/list.ts";
import { memory } from "./rows/memory.ts";
import { putParts } from "./rows/put-parts.ts";
import { ready } from "./rows/ready.ts";
import type { Row } from "./rows/row.ts";
import { tenThousandParts } from "./rows/ten-thousand-parts.ts";

const rows: Readonly<Record<string, Row>> = {
  "get-small": getSmall,
  get: getMiddle,
  "get-big": getBig,
  "put-small": putSmall,
  put: putBig,
  list,
  "delete-objects": deleteObjects,
  ready,
  "group-commit": groupCommit,
  "put-parts": putParts,
  degraded,
  memory,
  "five-gib": fiveGib,
  "ten-thousand-parts": tenThousandParts,
};

const args = process.argv.slice(2);
const option = (name: string): string | null => {
  const at = args.indexOf(name);
  return at === -1 ? null : (args[at + 1] ?? null);
};
const only = option("--only") ?? option("--rows");
const wanted = only?.split(",") ?? Object.keys(rows);
const unknown = wanted.filter((name) => rows[name] === undefined);
if (unknown.length > 0) {
  console.error(`no such row: ${unknown.join(", ")}; there are ${Object.keys(rows).join(", ")}`);
  process.exit(2);
}
execFileSync("taskset", ["-cp", clientCore, String(process.pid)], { stdio: "ignore" });
const plan = {
  roundCount: Number(option("--rounds") ?? 3),
  durationMs: Number(option("--seconds") ?? 1.5) * 1000,
  millionDirectory: option("--million"),
  objectCount: Number(option("--objects") ?? 1_000_000),
};
for (const name of wanted) await (rows[name] as Row)(plan);
