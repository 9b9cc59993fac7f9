import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryView, openLmdbView } from "../src/index.ts";
import { describeView } from "./contract/view-contract.ts";

describeView(() => ({ name: "memory", open: createMemoryView, reopen: null, cleanUp: () => {} }));

describeView(() => {
  const directory = mkdtempSync(join(tmpdir(), "kakera-view-"));
  const open = () => openLmdbView({ directory: join(directory, "view"), mapSizeBytes: 2 ** 30 });
  return { name: "LMDB", open, reopen: open, cleanUp: () => rmSync(directory, { recursive: true, force: true }) };
});
