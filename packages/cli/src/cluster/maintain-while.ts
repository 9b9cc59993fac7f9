import type { Maintenance } from "@kakera/maintenance";

/** One leadership: the loops run as long as this process leads. */
export async function maintainWhile(maintenance: Maintenance, signal: AbortSignal): Promise<void> {
  maintenance.start();
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await maintenance.stop();
}
