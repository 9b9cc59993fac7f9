import { after, undisturbedNode, type Fault } from "./fault.ts";

/** Processes that stop, die, lose their power, or have a clock that jumps. */
export const processFaults: readonly Fault[] = [
  {
    name: "gateway-kill",
    weight: 1,
    profiles: ["all", "rot"],
    begin(context) {
      const { cluster, world } = context;
      const gateway = world.pick(cluster.gateways);
      if (gateway.life === null) return;
      gateway.kill();
      world.fired("gateway-kill");
      world.note(`${gateway.name} is killed`);
      after(context, world.between(100, 2_000), () => void gateway.start());
    },
  },
  {
    name: "gateway-pause",
    weight: 1.3,
    profiles: ["all", "rot", "moves"],
    begin(context) {
      const { cluster, world } = context;
      const { machine, name } = world.pick(cluster.gateways);
      if (machine.isDead || machine.isPaused) return;
      machine.pause();
      world.fired("gateway-pause");
      // Now and then for longer than its session lives.
      const forMs = world.chance(0.3) ? world.between(7_000, 9_000) : world.between(50, 2_500);
      if (forMs > 7_000) world.fired("session-loss");
      world.note(`${name} stands still for ${forMs.toFixed(0)} ms`);
      after(context, forMs, () => machine.resume());
    },
  },
  {
    name: "node-pause",
    weight: 9.5,
    profiles: ["all"],
    begin(context) {
      const { world } = context;
      const node = undisturbedNode(context);
      if (node === null) return;
      const { machine } = node;
      machine.pause();
      world.fired("node-pause");
      world.note(`${node.name} stands still`);
      after(context, world.between(50, 2_500), () => machine.resume());
    },
  },
  {
    name: "node-crash",
    weight: 2.5,
    profiles: ["all", "rot"],
    begin(context) {
      const { world } = context;
      const node = undisturbedNode(context);
      if (node === null) return;
      if (world.chance(0.3)) node.kill();
      else node.loseThePower();
      world.fired("node-crash");
      world.note(`${node.name} crashes`);
      after(context, world.between(50, 4_000), () => void node.start());
    },
  },
  {
    name: "power-cut",
    weight: 3.5,
    profiles: ["all", "rot"],
    begin(context) {
      const { cluster, world } = context;
      if (cluster.presentNodes.some(({ isDisturbed }) => isDisturbed)) return;
      world.fired("power-cut");
      world.note("the power is cut");
      for (const node of cluster.presentNodes) {
        node.loseThePower();
        after(context, world.between(100, 1_500), () => void node.start());
      }
    },
  },
  {
    name: "clock-jump",
    weight: 1.3,
    profiles: ["all", "rot"],
    begin({ cluster, world }) {
      const { machine } = world.chance(0.5) ? world.pick(cluster.gateways) : world.pick(cluster.presentNodes);
      const byMs = world.between(-12_000, 12_000);
      machine.setWallClockRight();
      machine.jumpWallClock(byMs);
      world.fired("clock-jump");
      world.note(`${machine.name} has a clock that is ${byMs.toFixed(0)} ms off`);
    },
  },
];
