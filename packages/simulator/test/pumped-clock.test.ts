import { sleep } from "@kakera/kernel";
import { startPumpedClock } from "@kakera/simulator";
import { expect, it } from "vitest";

it("startPumpedClock() lets time pass with the turns of the world, the same in each run", async () => {
  const run = async (): Promise<string[]> => {
    const { clock, stop } = startPumpedClock();
    const order: string[] = [];
    const waits = [30, 10, 20].map((delayMs) =>
      sleep(clock, delayMs).then(() => order.push(`${delayMs} at ${clock.monotonicMs()}`)),
    );
    for (let turn = 0; turn < 400; turn += 1) await Promise.resolve();
    order.push("400 turns");
    await Promise.all(waits);
    stop();
    return order;
  };
  const first = await run();
  expect(first.map((line) => line.split(" ")[0])).toEqual(["10", "400", "20", "30"]);
  expect(await run()).toEqual(first);
});

it("a stopped clock stands still", async () => {
  const { clock, stop } = startPumpedClock();
  stop();
  const beforeMs = clock.monotonicMs();
  for (let turn = 0; turn < 1_000; turn += 1) await Promise.resolve();
  expect(clock.monotonicMs() - beforeMs).toBeLessThan(1);
});
