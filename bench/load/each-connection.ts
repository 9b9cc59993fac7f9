import { openConnection, type Connection } from "@kakera/load";
import type { Target } from "./run-load.ts";

/** Runs `task` for each number below `count`, one after the other on each of so many connections. */
export async function onConnections(
  target: Target,
  plan: { readonly count: number; readonly concurrency: number },
  task: (connection: Connection, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lanes = Array.from({ length: Math.min(plan.concurrency, plan.count) }, async () => {
    const connection = await openConnection(target.host, target.port);
    try {
      while (next < plan.count) await task(connection, next++);
    } finally {
      connection.close();
    }
  });
  await Promise.all(lanes);
}
