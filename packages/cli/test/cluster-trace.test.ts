import type { EndedRequest } from "@kakera/gateway";
import { ClusterFailure, createManualClock, createSeededRandom } from "@kakera/kernel";
import { noRepairQueue } from "@kakera/rpc";
import { describe, expect, test } from "vitest";
import { metricsOfOthers, nodeReports } from "../src/cluster/node-reports.ts";
import type { Peer } from "../src/cluster/peer.ts";
import { ClusterTrace } from "../src/trace/cluster-trace.ts";
import type { TraceFilter } from "../src/trace/trace-filter.ts";
import { TraceHub } from "../src/trace/trace-hub.ts";

const gets: TraceFilter = {
  bucket: null,
  prefix: null,
  operation: "GetObject",
  status: null,
  outcome: "all",
  slowerThanMs: 0,
};
const requestOf = (requestId: string, operation = "GetObject"): EndedRequest => ({
  endedMs: 1,
  durationMs: 20,
  requestId,
  operation,
  method: "GET",
  resource: "/b/key",
  accessKey: null,
  clientAddress: "127.0.0.1",
  statusCode: 200,
  code: "200",
  receivedBytes: 0,
  sentBytes: 300,
});

/** Nodes that ask each other without a wire. `isAway`: its calls fail. */
function createNodes(count: number) {
  const clock = createManualClock();
  const nodes = Array.from({ length: count }, (_, index) => {
    const hub = new TraceHub({ clock, random: createSeededRandom(index) });
    const metricsText = async (): Promise<string> =>
      `# HELP minio_s3_requests_total x\nminio_s3_requests_total{server="n${index}"} ${index}\n\n# HELP kakera_x x\nkakera_x 1\n`;
    return {
      nodeId: `id-${index}`,
      host: `node-${index}`,
      hub,
      isAway: false,
      reports: nodeReports({ metricsText, hub, findings: noRepairQueue }),
    };
  });
  const peersOf = (own: number): Peer[] =>
    nodes
      .filter((_, index) => index !== own)
      .map((node) => ({
        ...node,
        async report(name, question) {
          const report = node.reports.get(name);
          if (node.isAway || report === undefined) throw new ClusterFailure("retry", "does not answer");
          const told = await report(JSON.parse(JSON.stringify(question)), new AbortController().signal);
          return JSON.parse(JSON.stringify(told ?? null)) as unknown;
        },
      }));
  const first = nodes[0] as (typeof nodes)[0];
  const trace = new ClusterTrace({ hub: first.hub, clock, host: first.host, peers: () => peersOf(0) });
  return { clock, nodes, trace, peersOf };
}

/** Lets everything that waits for nothing but its turn run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("a trace of a cluster", () => {
  test("tells of the requests of every node, with its name, as the filter says", async () => {
    const { nodes, trace } = createNodes(3);
    const id = trace.open(gets);
    await settle();
    nodes.forEach(({ hub }, index) => {
      hub.note(requestOf(`r${index}`));
      hub.note(requestOf(`put${index}`, "PutObject"));
    });
    await settle();
    const batch = await trace.next(id, 1_000);
    expect(batch?.requests.map(({ node, requestId }) => [node, requestId]).sort()).toEqual([
      ["node-0", "r0"],
      ["node-1", "r1"],
      ["node-2", "r2"],
    ]);
    expect(batch?.unheard).toEqual([]);
  });

  test("says which nodes it does not hear, and hears them when they are back", async () => {
    const { clock, nodes, trace } = createNodes(2);
    const away = nodes[1] as (typeof nodes)[1];
    away.isAway = true;
    const id = trace.open(gets);
    await settle();
    nodes[0]?.hub.note(requestOf("here"));
    expect(await trace.next(id, 1_000)).toMatchObject({ requests: [{ requestId: "here" }], unheard: ["node-1"] });
    away.isAway = false;
    clock.advance(2_000);
    await settle();
    away.hub.note(requestOf("there"));
    await settle();
    expect(await trace.next(id, 1_000)).toMatchObject({
      requests: [{ requestId: "there", node: "node-1" }],
      unheard: [],
    });
  });

  test("ends at the other nodes when nobody watches any more", async () => {
    const { clock, nodes, trace } = createNodes(2);
    const id = trace.open(gets);
    await settle();
    expect(nodes[1]?.hub.isWatching).toBe(true);
    trace.close(id);
    clock.advance(2_000);
    await settle();
    expect(nodes.map(({ hub }) => hub.isWatching)).toEqual([false, false]);
  });

  test("of a machine alone names no node", async () => {
    const { nodes, trace } = createNodes(1);
    const id = trace.open(gets);
    nodes[0]?.hub.note(requestOf("r"));
    expect((await trace.next(id, 1_000))?.requests).toEqual([requestOf("r")]);
  });
});

describe("metrics of the other nodes", () => {
  test("are what each tells at the path, without those that do not answer", async () => {
    const { nodes, peersOf } = createNodes(3);
    expect((await metricsOfOthers(peersOf(0), "/minio/v2/metrics/cluster")).map((text) => text.split("\n")[1])).toEqual(
      ['minio_s3_requests_total{server="n1"} 1', 'minio_s3_requests_total{server="n2"} 2'],
    );
    const ofAnotherVersion: Peer = { nodeId: "id", host: "new", report: async () => ({ families: [] }) };
    expect(await metricsOfOthers([ofAnotherVersion, ...peersOf(0)], "/minio/v2/metrics/cluster")).toHaveLength(2);
    (nodes[1] as (typeof nodes)[1]).isAway = true;
    expect(await metricsOfOthers(peersOf(0), "/minio/v2/metrics/cluster")).toHaveLength(1);
    expect(await metricsOfOthers(peersOf(0), "/of/another/version")).toEqual([]);
  });
});
