import { createCodec, createSharedMemory } from "@kakera/erasure";
import {
  createBodies,
  createGateway,
  type AdminResponse,
  type Gateway,
  type Health,
  type WatchedBodyStore,
} from "@kakera/gateway";
import { noFailpoints, SECOND_MS, type Clock, type Logger, type Random } from "@kakera/kernel";
import { ForwardedLog, openSiblingView, type MessageChannel, type SiblingView } from "@kakera/metadata";
import { createNodeClient, type ShardFinding } from "@kakera/rpc";
import type { PromMeter } from "../drivers/prom-meter.ts";
import type { Audit } from "../compose/keep-audit.ts";
import { showMinioRequests } from "../minio-metrics/show-requests.ts";
import { traceLog, type Tracing } from "../compose/keep-tracing.ts";
import { watchRequests } from "../compose/watch-requests.ts";
import { bodiesSettings, bodyMemoryBytes, gatewaySettings } from "../compose/server-limits.ts";
import { serverName } from "../compose/server-name.ts";
import { LivenessAsker } from "./ask-liveness.ts";
import type { ControlLink } from "./control-link.ts";
import { MarkQueue } from "./mark-queue.ts";
import { OwnerDrives } from "./owner-drives.ts";
import type { WorkReport } from "./process-marks.ts";
import type { Beginning, ForwardedAdmin, Pulse } from "./told.ts";
import { RequestTeller } from "./told-requests.ts";

export interface SiblingComponents {
  readonly log: MessageChannel;
  readonly link: ControlLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: PromMeter;
  readonly eventLoopLagSeconds: () => number;
  /** null: nobody wants records of requests. */
  readonly audit: Audit | null;
  /** null: requests are not traced. */
  readonly tracing: Tracing | null;
}

/** A gateway beside the process that has drives, log and view. */
export interface ServingSibling {
  readonly gateway: Gateway;
}

/** An admin call may wait for drives. */
const adminMsMax = 120 * SECOND_MS;
const metricsMsMax = 10 * SECOND_MS;
/** A health that was told longer ago says nothing. */
const healthMsMax = 5 * SECOND_MS;

/** Builds it, and answers the owner from then on. Rejects when the owner's drives or view cannot be reached. */
export async function composeSibling(components: SiblingComponents, beginning: Beginning): Promise<ServingSibling> {
  const { link, clock, logger, metrics } = components;
  const { server, test, credentials } = beginning;
  const { meter } = metrics;
  const told = { pulse: beginning.pulse, atMs: clock.monotonicMs() };
  const { socketPath, secret } = beginning.shards;
  const client = createNodeClient(
    { ...components, meter, tracer: components.tracing?.calls },
    { address: { host: "owner", port: 0, path: socketPath }, secret, clusterId: beginning.clusterId },
  );
  await client.hello();
  const owner = new OwnerDrives(client);
  owner.told(beginning.pulse.drives);
  const view = openSiblingView({ directory: beginning.viewDirectory });
  const log = new ForwardedLog({
    channel: components.log,
    clock,
    view,
    refreshView: () => view.refresh(),
    operationsPerChangeMax: beginning.operationsPerChangeMax ?? Number.POSITIVE_INFINITY,
    told: () => ({ session: told.pulse.session, status: told.pulse.log }),
  });
  const memory = createSharedMemory({ sizeBytes: bodyMemoryBytes(server) });
  const bodies = createBodies(
    {
      ...components,
      meter,
      log,
      drives: owner.drives,
      memory,
      codec: createCodec(memory),
      repairQueue: { report: (finding: ShardFinding) => link.tell("finding", finding) },
    },
    bodiesSettings(server, memory.sizeBytes),
  );
  bodies.moveOn(beginning.numbers);
  const watcher = new RequestTeller(clock, (requests) => link.tell("requests", requests));
  answerPulses({ link, view, bodies }, (pulse) => {
    told.pulse = pulse;
    told.atMs = clock.monotonicMs();
    owner.told(pulse.drives);
    watcher.told(pulse.isWatched === true);
  });
  link.on("measured", () => metrics.records());
  measureSibling(components, serverName(server));
  const sessions = new LivenessAsker(link);
  const { accessKey, secretKey } = credentials;
  const gateway = createGateway(
    {
      ...components,
      meter,
      log: traceLog(log, components.tracing),
      bodies,
      logger,
      watcher,
      failpoints: noFailpoints,
      credentials: { lookup: (given) => (given === accessKey ? secretKey : null) },
      health: { health: () => healthOf(told.pulse.health, clock.monotonicMs() - told.atMs) },
      admin: {
        handle({ query, ...request }) {
          const forwarded: ForwardedAdmin = { ...request, query: [...query] };
          return link.ask<AdminResponse>("admin", forwarded, adminMsMax);
        },
      },
      isSessionLive: (session) => session === log.session || sessions.isLive(session),
      markSession: beginning.markSession,
      ...watchRequests(components, () => beginning.clusterId),
      metricsText: () => link.ask<string>("metrics", null, metricsMsMax),
      metricsOfOthers: (path) => link.ask<string[]>("metrics-of-others", path, metricsMsMax),
    },
    gatewaySettings(server, test),
  );
  return { gateway };
}

/** Says what this process is at, whenever the owner asks. */
function answerPulses(
  { link, view, bodies }: { readonly link: ControlLink; readonly view: SiblingView; readonly bodies: WatchedBodyStore },
  take: (pulse: Pulse) => void,
): void {
  const reads = new MarkQueue(bodies.reads);
  const writes = new MarkQueue(bodies.writes);
  const noted = { reads: 0, writes: 0 };
  link.on("pulse", (pulse: Pulse): WorkReport => {
    // Whoever looks at the view from now on sees what the owner saw when it set its marks; all looks before belong to work before.
    view.refresh();
    if (pulse.marks.reads > noted.reads) reads.note((noted.reads = pulse.marks.reads));
    if (pulse.marks.writes > noted.writes) writes.note((noted.writes = pulse.marks.writes));
    if (pulse.numbers !== null) bodies.moveOn(pulse.numbers);
    take(pulse);
    return { readsPassed: reads.passed, writesPassed: writes.passed, writeFloor: bodies.writeFloor };
  });
}

function measureSibling({ metrics, eventLoopLagSeconds }: SiblingComponents, server: string): void {
  const lag = metrics.meter.gauge({
    name: "kakera_event_loop_lag_seconds",
    help: "99th percentile of how long the process keeps its callers waiting",
  });
  metrics.meter.onCollect(() => lag.set(eventLoopLagSeconds()));
  showMinioRequests(metrics, server);
}

function healthOf(health: Health, ageMs: number): Health {
  return ageMs > healthMsMax ? { ...health, isReady: false, takesRequests: false } : health;
}
