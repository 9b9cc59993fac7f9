import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryView, openLmdbView } from "../src/index.ts";
import { describeView } from "./contract/view-contract.ts";

describeView("memory", () => ({ open: createMemoryView, reopen: null, cleanUp: () => {} }));

describeView("LMDB", () => {
  const directory = mkdtempSync(join(tmpdir(), "kakera-view-"));
  const open = () => openLmdbView({ directory: join(directory, "view"), mapSizeBytes: 2 ** 30 });
  return { open, reopen: open, cleanUp: () => rmSync(directory, { recursive: true, force: true }) };
});
