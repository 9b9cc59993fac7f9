import { VoidRun } from "./calls.ts";
import { Content } from "./content.ts";
import { inLanes } from "./lanes.ts";
import type { Clients, Phase } from "./phases.ts";
import type { Stored } from "./plan.ts";

/** The log of 1,000,000 rows (3.1 GB), in segments of at most 256 MB; blocks are flushed at 2 to 4 MiB. */
const whole = { segments: 13, blocksPerSegment: 96 } as const;
const blockSizeBytes = 2_500_000;
const mergedBlocks = 4;
const [blocksInFlight, readsAtOnce, mergesAtOnce] = [32, 8, 4];
/** Each so many-th block is written by two at once. */
const contestedEvery = 16;
const lockContent = (name: string): Content => new Content(name, 36);
const footerSizeBytes = 4_000;

interface LogSegment {
  readonly directory: string;
  readonly blocks: readonly Stored[];
}

/**
 * The write-ahead log of a Milvus cluster: blocks that are only ever made, in order, each by one writer alone, through gateways by turns;
 * a second writer who tries the same through the next gateway, and in the end fences the first one off. Then its compaction.
 */
export function woodpeckerPhases(factor: number, seed: string): Phase[] {
  const segmentCount = Math.max(1, Math.round(whole.segments * factor));
  const blockCount = Math.max(
    contestedEvery,
    Math.round((whole.segments * whole.blocksPerSegment * factor) / segmentCount),
  );
  const segments = Array.from({ length: segmentCount }, (_, id) => planSegment(id, blockCount, seed));
  return [
    { name: "W append", run: (clients) => inLanes(1, segments, (segment) => append(clients, segment, seed)) },
    { name: "W' compaction", run: (clients) => inLanes(1, segments, (segment) => compact(clients, segment, seed)) },
  ];
}

function planSegment(id: number, blockCount: number, seed: string): LogSegment {
  const directory = `files/wp/1/${id}`;
  const blocks = Array.from({ length: blockCount }, (_, block) => {
    const key = `${directory}/${block}.blk`;
    return { key, content: new Content(`${seed}/${key}`, blockSizeBytes) };
  });
  return { directory, blocks };
}

async function append(clients: () => Clients, { directory, blocks }: LogSegment, seed: string): Promise<void> {
  const lock = `${directory}/write.lock`;
  demand(await clients().go.putNew(lock, lockContent(`${seed}/${lock}`)), `${lock} is taken, and nobody had it`);
  demand(!(await clients().go.putNew(lock, lockContent("a rival"))), `${lock} was given to a second writer`);
  await inLanes(blocksInFlight, blocks, async (block, index) => {
    if (index % contestedEvery === contestedEvery - 1) await contest(clients, block, seed);
    else demand(await clients().go.putNew(block.key, block.content), `${block.key} is taken, and nobody wrote it`);
  });
  const next = `${directory}/${blocks.length}.blk`;
  demand(await clients().go.fence(next), `${next} is taken, and nobody wrote it`);
  demand(
    !(await clients().go.putNew(next, new Content(`${seed}/late`, blockSizeBytes))),
    `${next} was fenced, and written`,
  );
  demand(await clients().go.isFenced(next), `${next} does not say that it is a fence`);
  const footer = `${directory}/footer.blk`;
  demand(await clients().go.putNew(footer, new Content(`${seed}/${footer}`, footerSizeBytes)), `${footer} is taken`);
  await clients().go.delete(lock);
}

/** Two writers at once, with different bytes: one of them alone is told that it is its block, and its bytes are there. */
async function contest(clients: () => Clients, block: Stored, seed: string): Promise<void> {
  const rival = new Content(`${seed}/rival/${block.key}`, block.content.sizeBytes);
  const [isMine, isTheirs] = await Promise.all([
    clients().go.putNew(block.key, block.content),
    clients().go.putNew(block.key, rival),
  ]);
  demand(isMine !== isTheirs, `${block.key} has ${isMine ? "two winners" : "no winner"}`);
  await clients().go.headAndGet(block.key, isMine ? block.content : rival);
  if (isMine) return;
  // The log goes on with what is there in a real one; here what comes is known in advance.
  await clients().go.delete(block.key);
  demand(await clients().go.putNew(block.key, block.content), `${block.key} is taken, and was deleted`);
}

async function compact(clients: () => Clients, { directory, blocks }: LogSegment, seed: string): Promise<void> {
  const listed = await clients().go.list(`${directory}/`, "one level");
  // Its blocks, the fence and the footer.
  demand(listed.length === blocks.length + 2, `${directory} lists ${listed.length} keys`);
  await inLanes(readsAtOnce, blocks, ({ key, content }) => clients().go.headAndGet(key, content));
  const merges = Array.from(
    { length: Math.ceil(blocks.length / mergedBlocks) },
    (_, index) => `${directory}/m_${index}.blk`,
  );
  await inLanes(mergesAtOnce, merges, (key) =>
    clients().go.put(key, new Content(`${seed}/${key}`, blockSizeBytes * mergedBlocks)),
  );
  const footer = `${directory}/footer.blk`;
  await clients().go.put(footer, new Content(`${seed}/${footer} again`, footerSizeBytes));
  await inLanes(readsAtOnce, blocks, ({ key }) => clients().go.delete(key));
}

function demand(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new VoidRun(otherwise);
}
