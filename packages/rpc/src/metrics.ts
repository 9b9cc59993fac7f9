import type { Meter } from "@kakera/kernel";

/** All instruments of the calls that this node makes. */
export interface ClientMetrics {
  answered(call: string, seconds: number): void;
  failed(call: string, reason: string): void;
  setUp(isUp: boolean): void;
  /** Nobody asks the node any more. */
  forget(): void;
  /** Bytes of frames: envelopes, headers and payloads. */
  sent(bytes: number): void;
  received(bytes: number): void;
}

/** All instruments of the calls that this node is asked. */
export interface ServerMetrics {
  refused(status: number): void;
  sent(bytes: number): void;
  received(bytes: number): void;
}

/** Whether the other side is another node, or another process of this one: what these tell each other is no traffic. */
export type Peers = "nodes" | "processes";

export function createClientMetrics(meter: Meter, node: string, peers: Peers): ClientMetrics {
  const seconds = meter.histogram({
    name: "kakera_node_call_duration_seconds",
    help: "time of calls to other nodes that were answered",
    labels: ["node", "call"],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  });
  const failures = meter.counter({
    name: "kakera_node_calls_failed_total",
    help: "calls to other nodes that failed, by reason code",
    labels: ["node", "call", "reason"],
  });
  const up = meter.gauge({
    name: "kakera_node_up",
    help: "1 while the node answers this one",
    labels: ["node"],
  });
  return {
    answered: (call, elapsed) => seconds.observe(elapsed, { node, call }),
    failed: (call, reason) => failures.add(1, { node, call, reason }),
    setUp: (isUp) => up.set(isUp ? 1 : 0, { node }),
    forget: () => up.remove({ node }),
    ...countTraffic(meter, peers),
  };
}

export function createServerMetrics(meter: Meter, peers: Peers): ServerMetrics {
  const refusals = meter.counter({
    name: "kakera_node_calls_refused_total",
    help: "calls of other nodes that were not heard out or not authentic, by HTTP status",
    labels: ["status"],
  });
  return { refused: (status) => refusals.add(1, { status: String(status) }), ...countTraffic(meter, peers) };
}

function countTraffic(meter: Meter, peers: Peers): Pick<ServerMetrics, "sent" | "received"> {
  if (peers === "processes") return { sent: () => {}, received: () => {} };
  const bytes = meter.counter({
    name: "kakera_node_bytes_total",
    help: "bytes of calls and their answers received from other nodes (in) and sent to them (out)",
    labels: ["direction"],
  });
  return {
    sent: (count) => bytes.add(count, { direction: "out" }),
    received: (count) => bytes.add(count, { direction: "in" }),
  };
}
