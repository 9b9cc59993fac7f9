import { getBigBody, putBigBody, wholeBody, type BigBody } from "../load/big-body.ts";
import { needSpace } from "../load/need-space.ts";
import { watchMemory } from "../load/peak-memory.ts";
import { makeBucket } from "../load/run-load.ts";
import { startKakera } from "../load/servers.ts";
import { report, voidUnless } from "../load/verdict.ts";

const [MIB, GIB] = [2 ** 20, 2 ** 30];
const bucket = "memory";
const bodyCount = 16;
const slowBytesPerSecond = 1_000_000;
/** The slow reader goes on at least so far, and until the others are through. */
const slowBytesMin = 64_000_000;

/** Peak memory of the server's tree over 16 PUTs of 1 GiB at once, then 16 GETs of which one reads 1 MB/s. */
export async function memory(): Promise<void> {
  needSpace(2 * bodyCount * GIB);
  const server = await startKakera();
  const watched = watchMemory(server.pid);
  try {
    await makeBucket(server, bucket);
    const bodies = Array.from({ length: bodyCount }, (_, index): BigBody => ({
      bucket,
      key: `body-${index}`,
      sizeBytes: GIB,
    }));
    const startedMs = performance.now();
    await Promise.all(bodies.map((body) => putBigBody(server, body)));
    const [putSeconds, putPeakBytes] = [(performance.now() - startedMs) / 1000, watched.peakBytes];
    const [slow, ...quick] = bodies as [BigBody, ...BigBody[]];
    let isThrough = false;
    const slowRead = getBigBody(server, slow, {
      bytesPerSecondMax: slowBytesPerSecond,
      isEnough: (readBytes) => isThrough && readBytes >= slowBytesMin,
    });
    const read = await Promise.all(quick.map((body) => getBigBody(server, body, wholeBody)));
    isThrough = true;
    const slowBytes = await slowRead;
    voidUnless(
      read.every((bytes) => bytes === GIB),
      "a body ended early",
    );
    report("peak RssAnon + RssShmem, 16 PUTs of 1 GiB, 16 GETs", watched.peakBytes / MIB, {
      asked: { atMost: 400 },
      unit: " MiB",
      detail:
        `${(putPeakBytes / MIB).toFixed(0)} during the PUTs (${putSeconds.toFixed(0)} s); the slow reader had ` +
        `${(slowBytes / 1e6).toFixed(0)} MB at 1 MB/s when the others were through and it was stopped`,
    });
  } catch (failure) {
    console.log(`void   16 PUTs of 1 GiB, 16 GETs: peak ${(watched.peakBytes / MIB).toFixed(0)} MiB until then`);
    throw failure;
  } finally {
    watched.stop();
    await server.stop();
  }
}
