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
    name: "link-cut",
    weight: 1,
    profiles: ["all"],
    begin(context) {
      const { cluster, world } = context;
      const { network, gateways, nodes, etcd } = cluster;
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
