import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { startEtcd, type EtcdCluster } from "./etcd.ts";
import { freePort } from "./free-port.ts";
import type { NetworkPlace, TestNetwork } from "./network.ts";
import { createS3Client } from "./request.ts";
import { spawnServer, testCredentials, untilReady, type ServerOptions, type TestServer } from "./server.ts";

export const clusterEnv = { KAKERA_CLUSTER_SECRET: "a secret that every node of the cluster has" };

/** One `kakera server` of a cluster: a process that can be killed and started again over the same folders. */
export class TestNode {
  readonly name: string;
  readonly #options: ServerOptions & { readonly directory: string };
  #server: TestServer | null = null;
  #isExpectedToRun = false;

  constructor(name: string, options: ServerOptions & { readonly directory: string }) {
    this.name = name;
    this.#options = options;
  }

  get server(): TestServer {
    if (this.#server === null) throw new Error(`${this.name} does not run`);
    return this.#server;
  }

  get directory(): string {
    return this.#options.directory;
  }

  /** null: on loopback. */
  get place(): NetworkPlace | null {
    return this.#options.place ?? null;
  }

  /** Does not wait until it is ready. */
  async start(): Promise<void> {
    this.#isExpectedToRun = false;
    this.#server = await spawnServer(this.#options);
  }

  async ready(): Promise<void> {
    await untilReady(this.server);
    this.#isExpectedToRun = true;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#isExpectedToRun = false;
    await this.server.kill();
  }

  /** SIGTERM; resolves to the exit code. */
  stop(): Promise<number | null> {
    this.#isExpectedToRun = false;
    return this.server.stop();
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.server.process.kill(signal);
  }

  /** The same node with other variables of the environment; this one must not run. */
  altered(env: Readonly<Record<string, string>>): TestNode {
    return new TestNode(this.name, { ...this.#options, env: { ...this.#options.env, ...env } });
  }

  /** The same node with drive folders beside those that it has, empty; this one must not run. */
  widened(driveCount: number): TestNode {
    return new TestNode(this.name, { ...this.#options, driveCount });
  }

  /** What `kakera status --json` says; asked for without a process of its own, as it is asked for again and again. */
  async status<T>(): Promise<T> {
    const client = createS3Client(this.server.endpoint, testCredentials, { connections: 1 });
    try {
      const { status, body } = await client.send({ method: "GET", target: "/kakera/admin/v1/status" });
      if (status !== 200) throw new Error(`${this.name} tells no status (${status}): ${body.toString()}`);
      return JSON.parse(body.toString()) as T;
    } finally {
      client.close();
    }
  }

  client(maxAttempts = 1, patienceMs = 10_000): S3Client {
    return clientOf(this.server.endpoint, maxAttempts, patienceMs);
  }

  /** Rejects when the process was ready, and has ended without having been told to. */
  async end(): Promise<void> {
    if (this.#server === null) return;
    const { exitCode, signalCode } = this.#server.process;
    const hasEnded = exitCode !== null || signalCode !== null;
    this.#server.process.kill("SIGCONT");
    await this.#server.kill();
    if (!hasEnded || !this.#isExpectedToRun) return;
    const said = this.#server.output().trimEnd().split("\n").slice(-10).join("\n");
    const failure = new Error(`${this.name} ended by itself (${exitCode ?? signalCode}), and said last:\n${said}`);
    // What the test itself failed with hides it.
    console.error(failure.message);
    throw failure;
  }
}

export interface TestClusterOptions {
  readonly nodeCount: number;
  /** What the nodes run, in turn; the number of those with drives is what the cluster expects. Default: all of a server. */
  readonly commands?: readonly NonNullable<ServerOptions["command"]>[];
  readonly drivesPerNode?: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Of each node that serves objects. Default: one. */
  readonly processes?: number;
  /** Members of etcd. */
  readonly members?: 1 | 3;
  /** Where each node and each member gets a place of its own; all are on loopback otherwise. */
  readonly network?: TestNetwork;
}

/** A cluster of real processes on loopback, with an etcd of its own. */
export class TestCluster implements AsyncDisposable {
  readonly etcd: EtcdCluster;
  readonly nodes: TestNode[];
  readonly #directory: string;
  readonly #options: TestClusterOptions;

  private constructor(etcd: EtcdCluster, nodes: TestNode[], of: { directory: string; options: TestClusterOptions }) {
    this.etcd = etcd;
    this.nodes = nodes;
    this.#directory = of.directory;
    this.#options = of.options;
  }

  /** Its nodes are started at once, and ready when it resolves. */
  static async start(options: TestClusterOptions): Promise<TestCluster> {
    const { network } = options;
    const members = options.members ?? 1;
    const etcd = await startEtcd({
      version: "current",
      members,
      fsync: "off",
      ...(network === undefined ? {} : { places: Array.from({ length: members }, () => network.addPlace()) }),
    });
    const directory = mkdtempSync(join(tmpdir(), "kakera-cluster-"));
    const nodes: TestNode[] = [];
    for (let i = 0; i < options.nodeCount; i++) nodes.push(await nodeOf(i, { etcd, directory, options }));
    const cluster = new TestCluster(etcd, nodes, { directory, options });
    try {
      await Promise.all(nodes.map((node) => node.start()));
      await Promise.all(nodes.map((node) => node.ready()));
      return cluster;
    } catch (failure) {
      await cluster[Symbol.asyncDispose]();
      throw failure;
    }
  }

  /** One node more, ready when it resolves. */
  async join(): Promise<TestNode> {
    const of = { etcd: this.etcd, directory: this.#directory, options: this.#options };
    const node = await nodeOf(this.nodes.length, of);
    this.nodes.push(node);
    await node.start();
    await node.ready();
    return node;
  }

  node(index: number): TestNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`there is no node ${index}`);
    return node;
  }

  /** With all gateways' addresses: each attempt of a request goes to the next, and there are as many as the SDK makes by itself. */
  client(): S3Client {
    const client = clientOf(this.node(0).server.endpoint, attemptsOfSdk, 10_000);
    let turn = 0;
    const nextGateway = (next: Attempt, request: RequestContext) => async (args: AttemptArgs) => {
      request.gatewayTurn = (request.gatewayTurn ?? turn++) + 1;
      const node = this.node(request.gatewayTurn % this.nodes.length);
      // Of a client that lives for long: 14 of 500 for each attempt that is not the first. With two neighbours gone it is used up within a minute,
      // and what is asked of the store is asked of each request by itself.
      Object.assign(await client.config.retryStrategy(), { capacity: quotaOfSdk });
      const { hostname, port } = new URL(node.server.endpoint);
      Object.assign(args.request, { hostname, port: Number(port) });
      args.request.headers["host"] = `${hostname}:${port}`;
      try {
        return await next(args);
      } catch (failure) {
        // The SDK throws what the last attempt met.
        const met = `${new Date().toISOString()} ${node.name}: ${(failure as Error).message}`;
        request.attempts = [...(request.attempts ?? []), met];
        (failure as Error).message = request.attempts.join("; ");
        throw failure;
      }
    };
    // Its types are of a package of the SDK's own.
    client.middlewareStack.addRelativeTo(nextGateway as never, {
      relation: "before",
      toMiddleware: "httpSigningMiddleware",
      name: "nextGateway",
    });
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends = await Promise.allSettled(this.nodes.map((node) => node.end()));
    await this.etcd.dispose();
    rmSync(this.#directory, { recursive: true, force: true });
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }
}

interface AttemptArgs {
  readonly request: { hostname: string; port: number; readonly headers: Record<string, string> };
}
/** One for all attempts of a request. */
interface RequestContext {
  gatewayTurn?: number;
  /** What those that failed met. */
  attempts?: readonly string[];
}
type Attempt = (args: AttemptArgs) => Promise<unknown>;

/** AWS' default. */
const attemptsOfSdk = 3;
const quotaOfSdk = 500;

async function nodeOf(
  index: number,
  of: { readonly etcd: EtcdCluster; readonly directory: string; readonly options: TestClusterOptions },
): Promise<TestNode> {
  const { etcd, directory, options } = of;
  const name = `node${index + 1}`;
  const commands = options.commands ?? [];
  const command = commands[index % Math.max(1, commands.length)] ?? "server";
  const gateways = commands.filter((each) => each === "gateway").length;
  const domains = String(options.nodeCount - gateways);
  const args = ["--etcd", etcd.endpoints.join(","), "--expect-domains", domains, "--host", name];
  const place = options.network?.addPlace();
  args.push("--node-address", `${place?.address ?? "127.0.0.1"}:${await freePort()}`, ...(options.args ?? []));
  return new TestNode(name, {
    command,
    directory: join(directory, name),
    port: await freePort(),
    driveCount: options.drivesPerNode ?? 2,
    processes: command === "storage-node" ? 1 : (options.processes ?? 1),
    args,
    env: { ...clusterEnv, ...options.env },
    ...(place === undefined ? {} : { place }),
  });
}

function clientOf(endpoint: string, maxAttempts: number, patienceMs: number): S3Client {
  return new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts,
    // A node that stands still takes connections and says nothing.
    requestHandler: { requestTimeout: patienceMs, connectionTimeout: patienceMs, throwOnRequestTimeout: true },
    credentials: { accessKeyId: testCredentials.accessKey, secretAccessKey: testCredentials.secretKey },
  });
}
