import { getBigBody, putBigBody, wholeBody } from "../load/big-body.ts";
import { cpuMicroseconds } from "../load/cpu.ts";
import { needSpace } from "../load/need-space.ts";
import { watchMemory } from "../load/peak-memory.ts";
import { makeBucket } from "../load/run-load.ts";
import { startKakera } from "../load/servers.ts";
import { report } from "../load/verdict.ts";

const [MIB, GIB] = [2 ** 20, 2 ** 30];
const body = { bucket: "five", key: "five-gib", sizeBytes: 5 * GIB };

/** The largest single PUT that S3 has, read back and compared. */
export async function fiveGib(): Promise<void> {
  needSpace(2 * body.sizeBytes);
  const server = await startKakera();
  const watched = watchMemory(server.pid);
  try {
    await makeBucket(server, body.bucket);
    const startedMs = performance.now();
    await putBigBody(server, body);
    const putSeconds = (performance.now() - startedMs) / 1000;
    const readBytes = await getBigBody(server, body, wholeBody);
    const cpuSeconds = cpuMicroseconds(server.pid) / 1e6;
    report("one PUT of 5 GiB, read back equal", (readBytes / body.sizeBytes) * 100, {
      asked: { atLeast: 100 },
      unit: " %",
      detail:
        `PUT ${putSeconds.toFixed(0)} s, ${cpuSeconds.toFixed(0)} s of CPU for both, ` +
        `peak RssAnon + RssShmem ${(watched.peakBytes / MIB).toFixed(0)} MiB`,
    });
  } finally {
    watched.stop();
    await server.stop();
  }
}
