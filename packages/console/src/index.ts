import { join } from "node:path";

export type * from "./reports.ts";

/** Where `build.ts` puts what a browser loads: `index.html`, and beside it `assets/` whose names hold their digests. */
export const consoleFolder: string = join(import.meta.dirname, "..", "build");
