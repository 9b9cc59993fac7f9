/** What a history may meet. Each name is counted when it has come to pass, not when it was drawn. */
export const faultNames = [
  "message-loss",
  "message-delay",
  "link-cut",
  "gateway-pause",
  "gateway-kill",
  "node-pause",
  "node-crash",
  "power-cut",
  "bit-rot",
  "drive-full",
  "drive-hung",
  "drive-slow",
  "sync-failure",
  "etcd-answer-lost",
  "etcd-leader-change",
  "etcd-member-pause",
  "session-loss",
  "watch-cut",
  "compaction",
  "clock-jump",
] as const;

export type FaultName = (typeof faultNames)[number];
