/** Rules about the tree that no off-the-shelf linter knows. Prints each breach with what to do; exit 1 when there is any. */
import { join } from "node:path";
import { findBreaches } from "./rules.ts";
import { readTree } from "./tree.ts";

const breaches = findBreaches(readTree(join(import.meta.dirname, "..", "..")));
for (const breach of breaches) console.log(`${breach.place}: ${breach.message}`);
if (breaches.length > 0) process.exitCode = 1;
