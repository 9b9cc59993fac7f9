/** Does `task` for each item, so many at a time, in order of their start; rejects with the first failure when all lanes have ended. */
export async function inLanes<Item>(
  width: number,
  items: readonly Item[],
  task: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let hasFailed = false;
  const lane = async (): Promise<void> => {
    while (next < items.length && !hasFailed) {
      const index = next++;
      try {
        await task(items[index] as Item, index);
      } catch (failure) {
        hasFailed = true;
        throw failure;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, lane));
  for (const lane of ended) if (lane.status === "rejected") throw lane.reason;
}
