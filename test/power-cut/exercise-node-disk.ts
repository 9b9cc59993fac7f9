/**
 * Run under strace: uses the real driver as the store uses it, and says on the standard output when something counts as durable.
 * With --forgetful each of the syncs is left out once, to show that the audit sees it.
 */
import { writeSync } from "node:fs";
import { createNodeDisk } from "@kakera/disk";

const [, , folder = "", mode] = process.argv;
const disk = createNodeDisk(folder);
const isForgetful = mode === "--forgetful";
const sync = async (call: () => Promise<void>): Promise<void> => (isForgetful ? undefined : call());
const acknowledge = (): void => void writeSync(1, "durable\n");

const segment = await disk.open("segment", { access: "create" });
await segment.write(new Uint8Array(5_000), 0);
await sync(() => segment.fdatasync());
await disk.syncDirectory("");
acknowledge();

const journal = await disk.open("journal", { access: "create", ...(isForgetful ? {} : { isSynchronous: true }) });
await disk.syncDirectory("");
await segment.fdatasync();
await journal.write(new Uint8Array(4_096), 0);
acknowledge();

await journal.fdatasync();
const checkpoint = await disk.open("checkpoint.new", { access: "create" });
await checkpoint.write(new Uint8Array(100), 0);
await checkpoint.fdatasync();
await disk.rename("checkpoint.new", "checkpoint");
await sync(() => disk.syncDirectory(""));
acknowledge();
