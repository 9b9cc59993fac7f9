import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../harness/server.ts";

const call = /\.hit\(([^)]*)\)/g;
const literal = /^"([a-z]+(?:-[a-z]+)*\.[a-z]+(?:-[a-z]+)*)"$/;

/**
 * The cycles add no drive and move nothing: `packages/maintenance/test/moves.test.ts` kills a leader at each moment of a move, and
 * `packages/cli/test/add-drive.process.test.ts` a server while it adds a drive.
 */
const elsewhere = /^(move|add-drive)\./;

/** Every named moment at which a server of one machine can be told to kill itself, read from the calls themselves: none is left out. */
export const failpointNames: readonly string[] = findFailpoints().filter((name) => !elsewhere.test(name));

function findFailpoints(): string[] {
  const names = new Set<string>();
  for (const name of readdirSync(join(root, "packages"))) {
    const sources = join(root, "packages", name, "src");
    for (const path of readdirSync(sources, { recursive: true, encoding: "utf8" })) {
      if (!path.endsWith(".ts")) continue;
      for (const [, argument = ""] of readFileSync(join(sources, path), "utf8").matchAll(call)) {
        const found = literal.exec(argument)?.[1];
        if (found === undefined) throw new Error(`${name}/src/${path}: ${argument} does not name its failpoint`);
        names.add(found);
      }
    }
  }
  return [...names].sort();
}
