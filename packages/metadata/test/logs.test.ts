import { createSeededRandom, newId } from "@kakera/kernel";
import { createMemoryLog, createMemoryView } from "../src/index.ts";
import { describeLog } from "./contract/log-contract.ts";
import { describeJournalLogs } from "./journal-driver.ts";

describeLog("MemoryLog, memory view", () => ({
  open: async () => createMemoryLog({ view: createMemoryView(), session: newId("session", createSeededRandom(1)) }),
  reopen: null,
  cleanUp: async () => {},
}));

describeJournalLogs("memory disks");
