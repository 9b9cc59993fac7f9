/** Generates static protobuf code (no reflection, no eval) and its types from proto/. Skipped when nothing changed. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const here = import.meta.dirname;
const protoDirectory = join(here, "proto");
const outDirectory = join(here, "src", "generated");
const protos = readdirSync(protoDirectory)
  .filter((name) => name.endsWith(".proto"))
  .sort();
const stampPath = join(outDirectory, "stamp");
const hash = createHash("sha256");
for (const name of protos) hash.update(name).update(readFileSync(join(protoDirectory, name)));
hash.update(readFileSync(import.meta.filename));
const stamp = hash.digest("hex");

if (!existsSync(stampPath) || readFileSync(stampPath, "utf8") !== stamp) {
  mkdirSync(outDirectory, { recursive: true });
  const bin = join(here, "node_modules", ".bin");
  const js = join(outDirectory, "messages.js");
  const inputs = protos.map((name) => join(protoDirectory, name));
  const run = (tool: string, args: string[]): void => {
    execFileSync(join(bin, tool), args, { stdio: ["ignore", "ignore", "inherit"] });
  };
  run("pbjs", [
    "-t",
    "static-module",
    "-w",
    "es6",
    "--force-number",
    "--no-create",
    "--no-verify",
    "--no-convert",
    "--no-delimited",
    "--no-typeurl",
    "--no-service",
    "-o",
    js,
    ...inputs,
  ]);
  run("pbts", ["-o", join(outDirectory, "messages.d.ts"), js]);
  writeFileSync(stampPath, stamp);
}
