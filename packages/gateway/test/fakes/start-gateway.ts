import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  createManualClock,
  createSeededRandom,
  newId,
  noFailpoints,
  silentMeter,
  systemClock,
  type Logger,
  type ManualClock,
} from "@kakera/kernel";
import { createMemoryLog, createMemoryView, type CommitLog, type MemoryLog, type WritableView } from "@kakera/metadata";
import {
  createGateway,
  serverOptions,
  type Gateway,
  type GatewayComponents,
  type GatewaySettings,
  type Health,
} from "../../src/index.ts";
import { createMemoryBodies, type MemoryBodies } from "./memory-bodies.ts";
import { S3Client } from "./s3-client.ts";

export const root = { accessKey: "AKIAKAKERATEST", secret: "a-secret-of-tests/with+signs=" };

export interface TestGateway {
  readonly client: S3Client;
  readonly port: number;
  readonly clock: ManualClock;
  readonly log: MemoryLog;
  readonly view: WritableView;
  readonly bodies: MemoryBodies;
  readonly gateway: Gateway;
  readonly server: Server;
  readonly logged: { level: string; event: string; fields: Readonly<Record<string, unknown>> | undefined }[];
  health: Health;
  [Symbol.asyncDispose](): Promise<void>;
}

export const healthy: Health = {
  isReady: true,
  takesRequests: true,
  reasons: [],
  version: "0.0.0-test",
  write: { isMet: true, shardCount: 3, isMetWithoutThisNode: true },
  read: { isMet: true, shardCount: 2, isMetWithoutThisNode: true },
};

export const testSettings: GatewaySettings = {
  region: "us-east-1",
  domains: ["s3.test"],
  etag: "md5",
  inlineBytesMax: 1024,
  minPartBytes: 5 * 1024 * 1024,
  keysPerDeletionMax: 1000,
  metricsAuth: "public",
  commitDeadlineMs: 10_000,
  owner: { id: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", displayName: "kakera" },
};

export type TestOverrides = Partial<GatewaySettings> & {
  components?: Partial<GatewayComponents>;
  hasMd5?: "yes" | "no";
  wrapLog?: (log: MemoryLog) => CommitLog;
  /** Time goes by itself, for changes that wait and try again. */
  time?: "stands" | "runs";
};

/** A gateway on a real server on 127.0.0.1, over a log and bodies in memory. Its clock stands still. */
export async function startGateway(overrides: TestOverrides = {}): Promise<TestGateway> {
  const { components, hasMd5, wrapLog, time, ...settings } = overrides;
  const clock = createManualClock(Date.parse("2026-03-04T05:06:07.890Z"));
  const random = createSeededRandom(7);
  const session = newId("session", random);
  const view = createMemoryView();
  const log = createMemoryLog({ view, session });
  const bodies = createMemoryBodies({ session, random, ...(hasMd5 === undefined ? {} : { hasMd5 }) });
  const logged: TestGateway["logged"] = [];
  const logger: Logger = { log: (level, event, fields) => logged.push({ level, event, fields }) };
  const state = { health: healthy };
  const gateway = createGateway(
    {
      log: wrapLog === undefined ? log : wrapLog(log),
      bodies,
      random,
      logger,
      clock: time === "runs" ? { ...systemClock, nowMs: () => clock.nowMs() } : clock,
      meter: silentMeter,
      failpoints: noFailpoints,
      credentials: { lookup: (accessKey) => (accessKey === root.accessKey ? root.secret : null) },
      health: { health: () => state.health },
      admin: { handle: async (request) => ({ status: 200, json: request }) },
      metricsText: () => "kakera_up 1\n",
      ...components,
    },
    { ...testSettings, ...settings },
  );
  const server = createServer(serverOptions);
  gateway.attach(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    clock,
    log,
    view,
    bodies,
    gateway,
    server,
    logged,
    client: new S3Client(port, root, () => clock.nowMs()),
    get health() {
      return state.health;
    },
    set health(health: Health) {
      state.health = health;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Everything in the view, to compare before and after: bad input changes nothing. */
export function contentOf(view: WritableView): string[] {
  return view
    .range(Buffer.alloc(1), Buffer.alloc(2, 0xff), 1_000_000)
    .map((entry) => `${entry.key.toString("hex")}=${entry.value.toString("hex")}`);
}

/** As `startGateway`, with a bucket `b-1` in it. */
export async function startWithBucket(overrides: TestOverrides = {}): Promise<TestGateway> {
  const gateway = await startGateway(overrides);
  const created = await gateway.client.call({ method: "PUT", bucket: "b-1" });
  if (created.status !== 200) throw new Error(`no bucket: ${created.text}`);
  return gateway;
}
