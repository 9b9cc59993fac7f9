import { spawn } from "node:child_process";
import { once } from "node:events";

const program = "strace";

/** Synchronous writes of a server, as the kernel saw them. */
export interface SyncCount {
  readonly segment: number;
  readonly journal: number;
}

/** Counts, by strace, the writes to segments and to the journal's files while `work` runs. The server is much slower then. */
export async function watchSyncs(pid: number, work: () => Promise<void>): Promise<SyncCount> {
  const tracer = spawn(program, ["-f", "-yy", "-s", "0", "-e", "trace=pwrite64", "-p", String(pid)], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let text = "";
  const attached = new Promise<void>((resolve) => {
    tracer.stderr.on("data", (slice: Buffer) => {
      text += slice.toString("latin1");
      if (text.includes("attached")) resolve();
    });
  });
  const ended = once(tracer, "close");
  await Promise.race([attached, ended]);
  try {
    await work();
  } finally {
    tracer.kill("SIGINT");
    await ended;
  }
  // A call that another thread's interrupts is told in two lines; the first has the path.
  const writes = text.split("\n").filter((line) => /pwrite64\(\d+</.test(line));
  const into = (path: RegExp): number => writes.filter((line) => path.test(line)).length;
  return { segment: into(/\/segments\/[0-9a-f]+\.segment>/), journal: into(/\/journal\/batches-\d+>/) };
}
