import { expect, it } from "vitest";
import { Machine } from "../src/world/machine.ts";
import { World } from "../src/world/world.ts";

it("time stands still while promises can go on, and events come in the order of their moments", async () => {
  const world = new World(1);
  const order: string[] = [];
  const { time } = world;
  time.after(2, () => order.push(`second at ${time.nowMs}`));
  time.after(1, () => {
    order.push(`first at ${time.nowMs}`);
    void (async () => {
      for (let turn = 0; turn < 500; turn++) await Promise.resolve();
      order.push(`its promises at ${time.nowMs}`);
    })();
  });
  time.after(3, () => order.push("never")).cancel();
  await time.run(10);
  expect(order).toEqual(["first at 1", "its promises at 1", "second at 2"]);
  expect(time.nowMs).toBe(10);
});

it("a timer goes off when its moment, as its owner reckons it, is there", async () => {
  const world = new World(1);
  const { time } = world;
  await time.run(0.1 + 0.2);
  const dueMs = time.nowMs + 0.7;
  let firedMs = 0;
  time.after(dueMs - time.nowMs, () => (firedMs = time.nowMs));
  await time.run(5);
  expect(firedMs).toBeGreaterThanOrEqual(dueMs);
});

it("nothing comes to a machine that is paused, and all of it when it goes on; to a dead one nothing", async () => {
  const world = new World(1);
  const order: string[] = [];
  const [paused, dead] = [new Machine(world, "paused"), new Machine(world, "dead")];
  for (const machine of [paused, dead]) {
    machine.clock.setTimer(1, () => order.push(`${machine.name} at ${world.time.nowMs}`));
    machine.clock.setTimer(2, () => order.push(`${machine.name} again at ${world.time.nowMs}`));
  }
  paused.pause();
  dead.kill();
  world.time.after(50, () => paused.resume());
  await world.time.run(100);
  expect(order).toEqual(["paused at 50", "paused again at 50"]);
});
