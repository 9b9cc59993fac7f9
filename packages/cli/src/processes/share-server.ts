import {
  newId,
  SECOND_MS,
  sleep,
  type Clock,
  type Logger,
  type Meter,
  type Random,
  type SessionId,
} from "@kakera/kernel";
import type { Health } from "@kakera/gateway";
import { createNodeServer, listenForCalls, type NodeListener, type ShardFinding } from "@kakera/rpc";
import type { Shareable } from "../compose/core-settings.ts";
import type { ServerCore } from "../compose/server-core.ts";
import type { Tracing } from "../compose/keep-tracing.ts";
import type { Credentials } from "../config/credentials.ts";
import type { ServerSettings } from "../config/resolve-settings.ts";
import type { TestSettings } from "../config/test-settings.ts";
import { MetricsMerger } from "../drivers/merge-metrics.ts";
import type { MeterRow, PromMeter } from "../drivers/prom-meter.ts";
import { placeSocket } from "../drivers/place-socket.ts";
import type { SiblingProcess } from "../drivers/sibling-process.ts";
import { viewFolder } from "../compose/view-folder.ts";
import { metricsOfOthers } from "../cluster/node-reports.ts";
import type { TraceHub } from "../trace/trace-hub.ts";
import { version } from "../version.ts";
import type { Sibling } from "./sibling.ts";
import { SiblingKeeper, type Shared } from "./sibling-keeper.ts";
import type { ForwardedAdmin, Pulse, Reload, ToldRequests } from "./told.ts";

export interface SharingComponents {
  readonly core: ServerCore;
  readonly trace: TraceHub;
  readonly health: () => Health;
  readonly credentials: Credentials;
  readonly startSibling: (index: number) => SiblingProcess;
  readonly metrics: PromMeter;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly onBug: (failure: unknown) => void;
  readonly tracing: Tracing | null;
}

const waitMs = SECOND_MS / 10;
const secretBytes = 32;
/** Of shards that are received from siblings, or sent to them: they have memory of their own. */
const shardBytesMax = 32 * 2 ** 20;
const noArchive = new Map();

/** This server in several processes: this one owns drives, log and view, the others serve S3 beside it. */
export class ServerSharing {
  readonly #components: SharingComponents;
  readonly #settings: { readonly server: ServerSettings; readonly test: TestSettings };
  readonly #keeper: SiblingKeeper;
  readonly #merger = new MetricsMerger();
  #shards: NodeListener | null = null;

  constructor(
    components: SharingComponents,
    settings: { readonly server: ServerSettings; readonly test: TestSettings },
  ) {
    this.#components = components;
    this.#settings = settings;
    this.#keeper = new SiblingKeeper({ ...components, start: components.startSibling });
    if (settings.server.processes > 1) this.#measure();
  }

  /** Starts the other processes once there is something to share. Ends when `signal` is aborted first. */
  async begin(signal: AbortSignal): Promise<void> {
    const { processes } = this.#settings.server;
    if (processes === 1) return;
    const { clock, core } = this.#components;
    while (!signal.aborted) {
      const { shareable } = core;
      if (shareable !== null) return this.#share(shareable, processes - 1);
      await sleep(clock, waitMs, signal).catch(() => undefined);
    }
  }

  /** Whether one of the processes leaves marks in this name. */
  isLive(session: SessionId): boolean {
    return this.#keeper.isLive(session);
  }

  tellReload(reload: Reload): void {
    this.#keeper.tellReload(reload);
  }

  /** Before this process' own requests have ended; how many of the others' were cut off. */
  drain(timeoutMs: number): Promise<number> {
    return this.#keeper.drain(timeoutMs);
  }

  /** After `drain`, before drives and log close. */
  async close(): Promise<void> {
    await this.#shards?.close();
  }

  /** What all processes measure, in Prometheus' text form. */
  async metricsText(): Promise<string> {
    const { metrics } = this.#components;
    if (this.#settings.server.processes === 1) return metrics.text();
    const others = await this.#keeper.measured();
    const own = await metrics.records();
    return this.#merger.text([own, ...others]);
  }

  /** Values of one instrument, of all processes; labels of each as they are. */
  async measured(): Promise<(name: string) => Promise<readonly MeterRow[]>> {
    const { metrics } = this.#components;
    const others = this.#settings.server.processes === 1 ? [] : (await this.#keeper.measured()).flat();
    return async (name) => [
      ...(await metrics.values(name)),
      ...others.filter((record) => record.name === name).flatMap(({ values }) => values),
    ];
  }

  async #share({ marks, repairQueue, stateDirectory, readers }: Shareable, count: number): Promise<void> {
    const { core, clock, random, logger, meter, credentials } = this.#components;
    const { server, test } = this.#settings;
    const { clusterId } = core.formation;
    const secret = Buffer.from(random.bytes(secretBytes)).toString("hex");
    const nodeServer = createNodeServer(
      {
        drives: core.drives,
        archiveDisks: noArchive,
        clock,
        random,
        logger,
        meter,
        tracer: this.#components.tracing?.calls,
      },
      { secret, clusterId, nodeId: newId("node", random), version },
      { receivedBytesMax: shardBytesMax, sentBytesMax: shardBytesMax, peers: "processes" },
    );
    const socket = placeSocket(stateDirectory);
    this.#shards = await listenForCalls(nodeServer, { path: socket.path });
    socket.restrict();
    const bound = core.log.operationsPerChangeMax;
    const shared: Shared = {
      marks,
      log: core.log,
      isViewWhole: () => core.isViewWhole,
      readers,
      pulse: () => this.#pulse(),
      retire: (records) => this.#merger.retire(records),
      serve: (sibling) => this.#serve(sibling, (finding) => repairQueue.report(finding)),
      beginning: {
        processCount: count + 1,
        server,
        test: { ...test, failpoint: null },
        credentials,
        clusterId,
        viewDirectory: viewFolder(stateDirectory),
        shards: { socketPath: socket.path, secret },
        operationsPerChangeMax: Number.isFinite(bound) ? bound : null,
      },
    };
    this.#keeper.keep(count, shared);
  }

  #pulse(): Omit<Pulse, "numbers" | "marks"> {
    const { core, health } = this.#components;
    return {
      session: core.log.session,
      log: core.log.status(),
      health: health(),
      isWatched: this.#components.trace.isWatching,
      drives: [...core.drives.values()].map((drive) => drive.status()),
    };
  }

  #serve(sibling: Sibling, report: (finding: ShardFinding) => void): void {
    const { core } = this.#components;
    const { link } = sibling;
    link.on("finding", report);
    link.on("is-session-live", (session: SessionId) => core.isSessionLive(session) || this.isLive(session));
    link.on("requests", ({ requests, droppedCount }: ToldRequests) =>
      this.#components.trace.noteOthers(requests, droppedCount),
    );
    link.on("metrics", () => this.metricsText());
    link.on("metrics-of-others", (path: string) => metricsOfOthers(core.peers, path));
    link.on("admin", ({ query, ...request }: ForwardedAdmin) =>
      core.admin.handle({ ...request, query: new Map(query) }),
    );
  }

  #measure(): void {
    const { metrics } = this.#components;
    const alone = (value: () => number) => (): MeterRow[] => [{ labels: {}, value: value() }];
    metrics.table(
      { name: "kakera_processes", help: "processes of this server that take requests" },
      alone(() => this.#keeper.servingCount),
    );
    metrics.table(
      {
        name: "kakera_process_restarts_total",
        help: "processes started in the place of one that died",
        kind: "counter",
      },
      alone(() => this.#keeper.restartCount),
    );
  }
}
