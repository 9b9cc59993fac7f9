import { createHash } from "node:crypto";
import { inLanes } from "./lanes.ts";
import { loadCompacted, type Clients, type Phase } from "./phases.ts";
import type { Plan, Stored } from "./plan.ts";

const readSizeBytes = 256 << 10;
const readersAtOnce = 4;

/**
 * Ranges of index slices, at random, as a search reads them where the index is not held in memory; then the same while the whole index is
 * read by somebody else, through `others`, which has its own figures: those of the phase are the searchers' alone.
 */
export function searchPhases(plan: Plan, readCount: number, seed: string, others: () => Clients): Phase[] {
  const slices = plan.compacted.flatMap(({ index }) => index.slices);
  const search = async (clients: () => Clients, round: string): Promise<void> => {
    const reads = Array.from({ length: readCount }, (_, index) => pick(slices, `${seed} ${round} ${index}`));
    await inLanes(readersAtOnce, reads, ({ slice, offsetBytes, sizeBytes }) =>
      clients().cpp.getRange(slice.key, slice.content, { offsetBytes, sizeBytes }),
    );
  };
  return [
    { name: "S search", run: (clients) => search(clients, "alone") },
    {
      name: "S' beside a load",
      async run(clients) {
        let isSearching = true;
        const load = async (): Promise<void> => {
          while (isSearching) for (const each of plan.compacted) await loadCompacted(others(), each);
        };
        const loading = load();
        try {
          await search(clients, "beside");
        } finally {
          isSearching = false;
          await loading;
        }
      },
    },
  ];
}

function pick(slices: readonly Stored[], name: string): { slice: Stored; offsetBytes: number; sizeBytes: number } {
  const random = createHash("sha256").update(name).digest();
  const slice = slices[random.readUInt32LE(0) % slices.length] as Stored;
  const sizeBytes = Math.min(readSizeBytes, slice.content.sizeBytes);
  return { slice, offsetBytes: random.readUInt32LE(4) % (slice.content.sizeBytes - sizeBytes + 1), sizeBytes };
}
