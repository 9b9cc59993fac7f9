/** Compiles assembly/ to build/kernel.wasm, unless that was made from these very inputs. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const folder = new URL("./", import.meta.url);
const output = new URL("build/kernel.wasm", folder);

// The memory is imported and shared; any size is accepted (from one page up to all of 4 GiB).
const options = [
  ..."--optimizeLevel 3 --shrinkLevel 0 --noAssert --runtime stub".split(" "),
  ..."--importMemory --noExportMemory --sharedMemory --initialMemory 1 --maximumMemory 65536".split(" "),
  ..."--enable threads --enable simd --enable relaxed-simd".split(" "),
];

/** A custom section at the end of the file that names what it was made from. */
function originSection(digest: string): Buffer {
  const name = Buffer.from("origin");
  const body = Buffer.concat([Buffer.from([name.byteLength]), name, Buffer.from(digest)]);
  return Buffer.concat([Buffer.from([0, body.byteLength]), body]);
}

function inputs(): Map<string, string> {
  const names = readdirSync(new URL("assembly/", folder))
    .filter((name) => name.endsWith(".ts"))
    .sort();
  return new Map(names.map((name) => [name, readFileSync(new URL(`assembly/${name}`, folder), "utf8")]));
}

function digestOf(sources: ReadonlyMap<string, string>): string {
  const { version } = createRequire(import.meta.url)("assemblyscript/package.json") as { version: string };
  return createHash("sha256")
    .update(JSON.stringify([version, options, [...sources]]))
    .digest("base64")
    .slice(0, 40);
}

function isCurrent(section: Buffer): boolean {
  try {
    return readFileSync(output).subarray(-section.byteLength).equals(section);
  } catch {
    return false;
  }
}

async function compile(sources: ReadonlyMap<string, string>): Promise<Uint8Array> {
  const asc = await import("assemblyscript/asc");
  let wasm: Uint8Array | null = null;
  const complaints: string[] = [];
  const { error } = await asc.main(["index.ts", "--outFile", "kernel.wasm", ...options], {
    readFile: (name) => sources.get(name) ?? null,
    writeFile: (_name, contents) => {
      wasm = contents as Uint8Array;
    },
    listFiles: () => [],
    stderr: { write: (text: string) => complaints.push(text) },
  });
  if (error !== null || wasm === null) throw new Error(`asc: ${complaints.join("")}`, { cause: error });
  return wasm;
}

const sources = inputs();
const section = originSection(digestOf(sources));
if (!isCurrent(section)) {
  mkdirSync(new URL("build/", folder), { recursive: true });
  // Renamed into place: another process may be loading the file or building it at this moment.
  const draft = new URL(`build/kernel.${process.pid}.wasm`, folder);
  writeFileSync(draft, Buffer.concat([await compile(sources), section]));
  renameSync(draft, output);
}
