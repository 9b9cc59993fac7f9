import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";

/** One file that a browser loads. */
export interface ConsoleFile {
  /** From the root of the port: `/console/assets/index-a1b2c3d4.js`. */
  readonly path: string;
  /** As koa names it: "html", "js". */
  readonly type: string;
  readonly bytes: Buffer;
}

const prefix = "/console/";

/** The console as it was built: its page at `/console/`, and what that loads. Empty when it was not built. */
export function readConsoleFiles(folder: string): readonly ConsoleFile[] {
  try {
    const read = (name: string): Buffer => readFileSync(join(folder, name));
    const assets = readdirSync(join(folder, "assets")).map((name) => `assets/${name}`);
    return [
      { path: prefix, type: "html", bytes: read("index.html") },
      ...assets.map((name) => ({ path: prefix + name, type: extname(name).slice(1), bytes: read(name) })),
    ];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
