import { after, type Fault } from "./fault.ts";

/** Messages that are lost or late, and machines that do not reach each other. Each message that meets it counts. */
export const networkFaults: readonly Fault[] = [
  {
    name: "message-loss",
    weight: 1.5,
    profiles: ["all"],
    begin(context) {
      const { cluster, world } = context;
      cluster.network.setWeather({ lossShare: world.between(0.005, 0.05) });
      after(context, world.between(100, 1_500), () => cluster.network.setWeather({ lossShare: 0 }));
    },
  },
  {
    name: "message-delay",
    weight: 0.5,
    profiles: ["all", "rot"],
    begin(context) {
      const { cluster, world } = context;
      cluster.network.setWeather({ delayShare: world.between(0.02, 0.2), delayMsMax: world.between(20, 400) });
      after(context, world.between(100, 2_000), () => cluster.network.setWeather({ delayShare: 0 }));
    },
  },
  {
    name: "message-delay",
    weight: 8,
    profiles: ["moves"],
    begin(context) {
      const { cluster, world } = context;
      // Of one gateway alone, that does not move them: what it sends before a group moves arrives when the mover has long looked.
      const follower = cluster.gateways.find(({ life }) => life?.log.isLeader === false);
      if (follower === undefined) return;
      const { name } = follower;
      const late = { share: world.between(0.3, 0.8), msMax: world.between(50, 250) };
      world.note(`what ${name} sends to drives is late`);
      for (const node of cluster.presentNodes) {
        cluster.network.hold(name, node.name, late);
        after(context, world.between(1_000, 3_000), () => cluster.network.hold(name, node.name, null));
      }
    },
  },
  {
    name: "link-cut",
    weight: 1,
    profiles: ["all"],
    begin(context) {
      const { cluster, world } = context;
      const { network, gateways, presentNodes: nodes, etcd } = cluster;
      const { name } = world.pick(gateways);
      // From one other, from all drives, or from all of etcd.
      const others = world.pick([[world.pick(nodes)], [world.pick(nodes)], [world.pick(etcd.members)], etcd.members]);
      world.note(`${name} is cut off from ${others.map((other) => other.name).join()}`);
      for (const other of others) {
        network.cut(name, other.name);
        after(context, world.between(200, 4_000), () => network.mend(name, other.name));
      }
    },
  },
];
