import { describeJournalLogs } from "./journal-driver.ts";

// Here and not among the unit tests: each of their changes waits for real disks to sync.
describeJournalLogs("real disks");
