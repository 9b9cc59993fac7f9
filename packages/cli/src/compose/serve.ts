import { ClusterFailure, createSystemRandom, DiskError, systemClock, type Clock } from "@kakera/kernel";
import { CommandFailure } from "../command-failure.ts";
import { etcdPlaceOf, testedEtcd } from "../config/etcd-settings.ts";
import { resolveSettings, type ResolvedSettings, type Role, type ServerSettings } from "../config/resolve-settings.ts";
import { readTestSettings } from "../config/test-settings.ts";
import { keepCertificate, type CertificateKeeper } from "../drivers/certificates.ts";
import { watchEventLoopLag } from "../drivers/event-loop-lag.ts";
import { createListener, listen, listenFirst, type Listener } from "../drivers/http-listener.ts";
import { holdProcess } from "../drivers/hold-process.ts";
import { holdReads } from "../drivers/hold-reads.ts";
import { killAtFailpoint } from "../drivers/kill-at-failpoint.ts";
import { createMachineProbe } from "../drivers/machine-probe.ts";
import { readBootId } from "@kakera/storage-node";
import { createNodeFolders } from "../drivers/node-folders.ts";
import { openViewFiles } from "../drivers/open-view.ts";
import { createPinoLogger, type ServerLogger } from "../drivers/pino-logger.ts";
import type { ProcessSignals } from "../drivers/process-signals.ts";
import { readProcessIo } from "../drivers/process-io.ts";
import { createPromMeter } from "../drivers/prom-meter.ts";
import { startSibling } from "../drivers/sibling-process.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { announceReady, announceSettings } from "./announce.ts";
import { keepTracing } from "./keep-tracing.ts";
import { keepAudit } from "./keep-audit.ts";
import { checkBucketNames } from "./begin-cluster.ts";
import { keepNodeCertificate, type NodeCertificate } from "./node-certificate.ts";
import { composeServer, type Server } from "./compose-server.ts";
import { serveStatusPage } from "./status-listener.ts";

export interface Shell {
  readonly terminal: Terminal;
  readonly signals: ProcessSignals;
  /** A broken assumption of our own: ends the process with a report. */
  readonly onBug: (failure: unknown) => void;
}

/** libuv's own number, where bin/kakera did not set another. */
const threadCountDefault = 4;

/** `kakera server`, and with only a part of its work `kakera gateway` and `kakera storage-node`: starts, serves until it is told to stop, drains. Throws CommandFailure when it must not or cannot start. */
export async function serve(argv: readonly string[], shell: Shell, role: Role = "server"): Promise<ExitCode> {
  using _held = holdProcess();
  const { terminal, signals } = shell;
  const resolved = resolve({ argv, role }, terminal);
  const { settings } = resolved;
  const clock = systemClock;
  const logger = createPinoLogger({ level: settings.logLevel, format: settings.logFormat ?? "json" });
  signals.drainOnStop();
  announceSettings(resolved, { terminal, logger });

  const listeners: Listener[] = [];
  const certificate = keepTls(settings, { clock, logger, listeners });
  const tls = certificate?.current ?? null;
  const nodeCertificate = keepNodeCertificate(settings, { clock, logger });
  const parts = { terminal, clock, logger, certificate, nodeCertificate, onBug: shell.onBug };
  const server = await composeOrExplain(settings, parts, signals.stopped);
  if (server === "stopped") return exitCodes.done;
  const listener = createListener(tls);
  server.gateway.attach(listener.server);
  listeners.push(listener);
  if (settings.processes > 1) await listenFirst(listener.server, settings.address, terminal.clock);
  else await listen(listener.server, settings.address);
  const page = await serveStatusPage(server, settings, tls);
  if (page !== null) listeners.push(page);
  signals.onReload(() => {
    certificate?.reload();
    nodeCertificate?.reload();
    const logLevel = reloadLogLevel({ argv, role }, { terminal, logger });
    server.tellReload({ logLevel: logLevel ?? settings.logLevel });
  });

  if ((await openOrExplain(server, signals.stopped)) === "stopped") return exitCodes.done;
  announceReady(server, settings, { terminal, logger });
  await Promise.race([untilAborted(signals.stopped), server.outdated]);
  logger.log("info", "server.draining", {
    signal: String(signals.stopped.reason),
    inFlight: server.gateway.inFlightCount,
  });
  const cutOff = await server.drain(settings.drainTimeoutMs);
  await server.close();
  certificate?.stop();
  nodeCertificate?.stop();
  logger.log("info", "server.stopped", { cutOff });
  return exitCodes.done;
}

/** How the process was called. */
interface Called {
  readonly argv: readonly string[];
  readonly role: Role;
}

function resolve(called: Called, { environment, readText, machine }: Terminal): ResolvedSettings {
  const resolved = resolveSettings({ ...called, environment, readText, machine });
  checkBucketNames(resolved.settings.buckets);
  return resolved;
}

function keepTls(
  { certsDir }: ServerSettings,
  components: { readonly clock: Clock; readonly logger: ServerLogger; readonly listeners: readonly Listener[] },
): CertificateKeeper | null {
  if (certsDir === null) return null;
  const { clock, logger, listeners } = components;
  return keepCertificate(
    { flag: "--certs-dir", directory: certsDir },
    {
      clock,
      logger,
      renewed: (tls) => {
        for (const listener of listeners) listener.renew(tls);
      },
    },
  );
}

function compose(
  settings: ServerSettings,
  parts: {
    readonly terminal: Terminal;
    readonly clock: Clock;
    readonly logger: ServerLogger;
    readonly certificate: CertificateKeeper | null;
    readonly nodeCertificate: NodeCertificate | null;
    readonly onBug: (failure: unknown) => void;
  },
): Promise<Server> {
  const { terminal, clock, logger, certificate, nodeCertificate } = parts;
  const test = readTestSettings(terminal.environment);
  const bootId = test.bootId ?? readBootId();
  const probe = createMachineProbe();
  const threadCount = Number(terminal.environment["UV_THREADPOOL_SIZE"] ?? threadCountDefault);
  const metrics = createPromMeter();
  const folders = createNodeFolders({ clock, logger }, { driveCount: settings.drives.length, threadCount, bootId });
  return composeServer(
    {
      access: test.heldReadMs === undefined ? folders : holdReads(folders, test.heldReadMs, clock),
      clock,
      random: createSystemRandom(),
      logger,
      metrics,
      tracing: keepTracing(settings.tracing, { clock, random: createSystemRandom(), logger, meter: metrics.meter }),
      audit: keepAudit(settings, { clock, logger, meter: metrics.meter }),
      failpoints: killAtFailpoint(test.failpoint),
      user: probe.user,
      openView: (stateDirectory, clusterId) => openViewFiles(stateDirectory, { clusterId, bootId }, { clock, logger }),
      etcd: testedEtcd(etcdPlaceOf(settings, terminal.readText), test),
      openFilesMax: probe.openFilesMax,
      eventLoopLagSeconds: watchEventLoopLag(clock).p99Seconds,
      certificateExpiresMs: () => certificate?.current.expiresMs ?? null,
      nodeCertificate,
      workingDirectory: terminal.machine.workingDirectory,
      processIo: readProcessIo,
      startSibling: (index) => startSibling(index, clock),
      onBug: parts.onBug,
    },
    { server: settings, test },
  );
}

/** As {@link openOrExplain}: a drive, or the disk of the view, may hang. */
function composeOrExplain(
  settings: ServerSettings,
  parts: Parameters<typeof compose>[1],
  stopped: AbortSignal,
): Promise<Server | "stopped"> {
  const composed = compose(settings, parts).catch((error: unknown) => {
    throw explain(error);
  });
  return Promise.race([composed, untilAborted(stopped).then(() => "stopped" as const)]);
}

/** A start that is told to stop simply stops: nothing was acknowledged yet, and a start can be cut off at any moment. */
async function openOrExplain(server: Server, stopped: AbortSignal): Promise<"ready" | "stopped"> {
  const opened = server.open(stopped).then(
    () => "ready" as const,
    (error: unknown) => {
      if (stopped.aborted) return "stopped" as const;
      throw explain(error);
    },
  );
  const outdated = server.outdated.then(() => "stopped" as const);
  return Promise.race([opened, outdated, untilAborted(stopped).then(() => "stopped" as const)]);
}

/** A failure of drives or log at the start, in words for the person who starts it. */
function explain(error: unknown): unknown {
  const remedy = "kakera doctor DIR...";
  if (error instanceof DiskError) {
    const reason = error.code === "ENOSPC" ? "DRIVE_FULL" : "DRIVE_FAILED";
    return new CommandFailure(reason, `a drive fails: ${error.message}`, {
      exitCode: exitCodes.unreachable,
      remedy,
      cause: error,
    });
  }
  if (!(error instanceof ClusterFailure)) return error;
  const exitCode = error.kind === "halt" ? exitCodes.refused : exitCodes.unreachable;
  return new CommandFailure(error.reason ?? "LOG_UNREACHABLE", error.message, { exitCode, remedy, cause: error });
}

/** What SIGHUP takes up beside certificates: the log level of the configuration file. null: it stays as it is. */
function reloadLogLevel(
  called: Called,
  { terminal, logger }: { terminal: Terminal; logger: ServerLogger },
): ServerSettings["logLevel"] | null {
  try {
    const { logLevel } = resolve(called, terminal).settings;
    logger.setLevel(logLevel);
    logger.log("info", "config.reloaded", { logLevel });
    return logLevel;
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    logger.log("error", "config.not-reloaded", { error });
    return null;
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
