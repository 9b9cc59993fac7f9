import { prefix } from "../cluster-settings.ts";
import { after, type Fault } from "./fault.ts";

/** What etcd does to those who rely on it. */
export const etcdFaults: readonly Fault[] = [
  {
    name: "etcd-answer-lost",
    weight: 1,
    profiles: ["all", "rot"],
    begin(context) {
      const { cluster, world } = context;
      const { etcd } = cluster;
      etcd.answerLossShare = world.between(0.05, 0.4);
      etcd.lateShare = world.between(0, 0.2);
      after(context, world.between(200, 2_000), () => {
        etcd.answerLossShare = 0;
        etcd.lateShare = 0;
      });
    },
  },
  {
    name: "etcd-leader-change",
    weight: 1.5,
    profiles: ["all", "rot", "moves"],
    begin({ cluster, world }) {
      if (cluster.etcd.leader === null) return;
      world.fired("etcd-leader-change");
      cluster.etcd.changeLeader(world.between(20, 1_500));
    },
  },
  {
    name: "etcd-member-pause",
    weight: 1.5,
    profiles: ["all", "rot"],
    begin(context) {
      const { cluster, world } = context;
      const { etcd } = cluster;
      const member = world.pick(etcd.members);
      // Two of three: no quorum, for a moment.
      const isOneStill = etcd.members.some(({ isPaused }) => isPaused);
      if (member.isPaused || (isOneStill && !world.chance(0.3))) return;
      member.pause();
      etcd.membersChanged();
      world.fired("etcd-member-pause");
      world.note(`${member.name} stands still`);
      after(context, world.between(100, 4_000), () => {
        member.resume();
        etcd.membersChanged();
      });
    },
  },
  {
    name: "session-loss",
    weight: 1.3,
    profiles: ["all", "rot"],
    begin({ cluster, world }) {
      const leases = cluster.etcd.leasesUnder(`${prefix}session/`);
      if (leases.length === 0 || cluster.etcd.leader === null) return;
      cluster.etcd.revokeLease(world.pick(leases));
      world.fired("session-loss");
      world.note("a session is lost");
    },
  },
  {
    name: "watch-cut",
    weight: 1,
    profiles: ["all", "rot", "moves"],
    begin({ cluster, world }) {
      for (const { watches, name } of cluster.gateways) {
        if (world.chance(0.3)) continue;
        for (const watch of watches) if (watch.cut() === "cut") world.fired("watch-cut");
        world.note(`the watch of ${name} is cut`);
        watches.clear();
      }
    },
  },
  {
    name: "compaction",
    weight: 0.7,
    profiles: ["all", "rot", "moves"],
    begin({ cluster, world }) {
      const { store, leader } = cluster.etcd;
      if (leader === null || store.compactedRevision >= store.revision) return;
      // By somebody else who shares it, and knows of no views.
      store.compact(store.revision);
      world.fired("compaction");
      world.note(`somebody compacts up to ${store.revision}`);
    },
  },
];
