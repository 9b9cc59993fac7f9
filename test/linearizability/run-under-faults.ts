import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { TestCluster } from "../harness/cluster.ts";
import { testCredentials, until } from "../harness/server.ts";
import { startClients, type Clients } from "./clients.ts";
import { expectLinearizable } from "./judge-histories.ts";
import { PresignedGateway } from "./presigned-gateway.ts";

export const seed = Number(process.env.KAKERA_LINEARIZABILITY_SEED ?? 20_261_129);
const buckets = Array.from({ length: 6 }, (_, index) => `bucket${index}`);
const keys = ["k1", "k2"];
const clientCount = 24;

/** After it all is as before. It lasts until so much was answered, or could not be. */
export type Fault = (cluster: TestCluster, clients: Clients) => Promise<void>;

export async function more(clients: Clients, count: number): Promise<void> {
  const before = clients.answeredCount();
  await until(`${count} more are answered`, () => clients.answeredCount() >= before + count);
}

export async function nobodyAnswers(clients: Clients): Promise<void> {
  const before = clients.unansweredCount();
  await until("nobody answers", () => clients.unansweredCount() > before + clientCount);
}

interface Run {
  readonly members: 1 | 3;
  readonly faults: readonly Fault[];
  readonly operationCount: number;
}

/** One history under the faults, spread over it, and its verdict. */
export async function runUnder({ members, faults, operationCount }: Run): Promise<void> {
  await using cluster = await TestCluster.start({ nodeCount: 3, members });
  for (const Bucket of buckets) await cluster.node(0).client().send(new CreateBucketCommand({ Bucket }));
  const of = { credentials: testCredentials, patienceMs: 3_000 };
  const gateways = cluster.nodes.map((node) => new PresignedGateway(node.server.endpoint, of));
  const clients = startClients({ gateways, buckets, keys, clientCount, seed });
  for (const [index, fault] of faults.entries()) {
    const begun = (operationCount * (index + 0.5)) / faults.length;
    await until("the next fault is due", () => clients.answeredCount() >= begun, 600_000);
    await fault(cluster, clients);
  }
  await until("enough is answered", () => clients.answeredCount() >= operationCount, 600_000);
  const histories = await clients.stop();
  await Promise.all(gateways.map((gateway) => gateway.close()));
  expectLinearizable(histories, { operationCount });
}
