import { join } from "node:path";
import { digestOfFile } from "@kakera/kernel";
import type { WritableView } from "../ports/view.ts";
import { removeView, syncNames } from "./drivers/view-files.ts";
import { mayKeep, readGuard, type Guard, writeGuard, type GuardPlace } from "./guard-file.ts";
import { openLmdbView } from "./lmdb-view.ts";

export interface GuardedViewSettings {
  readonly guard: GuardPlace;
  /** Absolute path of the view's folder. It is deleted when it may not be believed. */
  readonly directory: string;
  /** /proc/sys/kernel/random/boot_id; null where there is none: then only a clean view survives a start. */
  readonly bootId: string | null;
  /** The cluster id: a view of another cluster is not kept. */
  readonly lineage: string;
  readonly mapSizeBytes?: number;
  /**
   * SHA-256 in hex of the view's data.mdb; null: it cannot be read. What it rejects with ends the opening or the closing: so
   * a drive that hangs holds neither up for ever. Default: read with no bound of time.
   */
  readonly digest?: () => Promise<string | null>;
}

export interface GuardedView {
  readonly view: WritableView;
  /** `kept` or why it was begun anew; a log fills it from its newest checkpoint then. */
  readonly origin: "kept" | "new" | "distrusted" | "unreadable";
}

/**
 * Opens the LMDB view if it may be believed, else an empty one in its place. An opening that ends the process (LMDB aborts
 * on some damage) leaves the mark `opening` behind, and the next start begins anew. The view's `close` makes it clean.
 */
export async function openGuardedView(settings: GuardedViewSettings): Promise<GuardedView> {
  const { guard: place, bootId, lineage } = settings;
  const found = await readGuard(place);
  const dataPath = join(settings.directory, "data.mdb");
  const digest = settings.digest ?? (() => digestOfFile(dataPath));
  const isKept = mayKeep(found, { bootId, lineage }) && (await isAsClosed(found, digest));
  if (!isKept) removeView(settings.directory);
  const mark = (state: "opening" | "open"): Promise<void> => writeGuard(place, { state, bootId, lineage });
  await mark("opening");
  const opened = openOrBeginAnew(settings, async () => {
    // First, and without blocking: of a drive that hangs this does not come back well, and what follows is not begun.
    const content = await digest();
    syncNames(settings.directory);
    await writeGuard(place, { state: "clean", bootId, lineage, content });
  });
  await mark("open");
  const origin = !opened.wasReadable ? "unreadable" : isKept ? "kept" : found === null ? "new" : "distrusted";
  return { view: opened.view, origin };
}

/** A view that was closed is believed only while it holds the bytes that it was closed with. */
async function isAsClosed(guard: Guard | null, digest: () => Promise<string | null>): Promise<boolean> {
  if (guard?.state !== "clean") return true;
  return guard.content != null && guard.content === (await digest());
}

function openOrBeginAnew(
  settings: GuardedViewSettings,
  closed: () => Promise<void>,
): { view: WritableView; wasReadable: boolean } {
  const { directory, mapSizeBytes } = settings;
  const open = (): WritableView =>
    openLmdbView({ directory, closed, ...(mapSizeBytes === undefined ? {} : { mapSizeBytes }) });
  try {
    return { view: open(), wasReadable: true };
  } catch {
    // Whatever it was, the file is derived: the log has everything that it held.
    removeView(directory);
    return { view: open(), wasReadable: false };
  }
}
