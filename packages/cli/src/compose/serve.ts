import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { join } from "node:path";
import { ClusterFailure, createSystemRandom, systemClock } from "@kakera/kernel";
import { createTlsContext, type TlsContext } from "@kakera/gateway";
import { CommandFailure } from "../command-failure.ts";
import { describeSettings } from "../config/describe-settings.ts";
import { resolveSettings, type ServerSettings } from "../config/resolve-settings.ts";
import { readTestSettings } from "../config/test-settings.ts";
import { readCertificateFiles } from "../drivers/certificates.ts";
import { watchEventLoopLag } from "../drivers/event-loop-lag.ts";
import { createListener, listen } from "../drivers/http-listener.ts";
import { killAtFailpoint } from "../drivers/kill-at-failpoint.ts";
import { createMachineProbe } from "../drivers/machine-probe.ts";
import { createNodeFolders } from "../drivers/node-folders.ts";
import { openViewFiles } from "../drivers/open-view.ts";
import { createPinoLogger, type ServerLogger } from "../drivers/pino-logger.ts";
import type { ProcessSignals } from "../drivers/process-signals.ts";
import { createPromMeter } from "../drivers/prom-meter.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import { createStatusApp } from "../status-page/status-app.ts";
import type { Terminal } from "../terminal.ts";
import { renderBanner, renderSettings, urlOf } from "./banner.ts";
import { checkBucketNames } from "./begin-cluster.ts";
import { composeServer, type Server } from "./compose-server.ts";

/** `kakera server`: starts, serves until it is told to stop, drains. Throws CommandFailure when it must not or cannot start. */
export async function serve(
  argv: readonly string[],
  shell: { readonly terminal: Terminal; readonly signals: ProcessSignals },
): Promise<ExitCode> {
  const { terminal, signals } = shell;
  const { environment, readText, machine } = terminal;
  const resolved = resolveSettings({ argv, environment, readText, machine });
  const { settings } = resolved;
  checkBucketNames(settings.buckets);
  const test = readTestSettings(environment);
  const logger = createPinoLogger({ level: settings.logLevel, format: settings.logFormat ?? "json" });
  for (const warning of resolved.warnings) logger.log("warn", "config.unknown-variable", { warning });
  showSettings(resolved, { terminal, logger });

  const clock = systemClock;
  const lag = watchEventLoopLag(clock);
  const tls = settings.certsDir === null ? null : readTls(settings.certsDir);
  const probe = createMachineProbe();
  const threadCount = Number(environment["UV_THREADPOOL_SIZE"] ?? 4);
  const server = await composeServer(
    {
      access: createNodeFolders({ clock, logger }, { driveCount: settings.drives.length, threadCount }),
      clock,
      random: createSystemRandom(),
      logger,
      metrics: createPromMeter(),
      failpoints: killAtFailpoint(test.failpoint),
      user: probe.user,
      openView: openViewFiles,
      workingDirectory: machine.workingDirectory,
      openFilesMax: probe.openFilesMax,
      eventLoopLagSeconds: lag.p99Seconds,
      certificateExpiresMs: () => tls?.expiresMs ?? null,
    },
    { server: settings, test },
  );
  const listener = createListener(tls);
  server.gateway.attach(listener.server);
  await listen(listener.server, settings.address);
  await openOrExplain(server, signals.stopped);
  signals.drainOnStop();
  const page = await servePage(server, settings);
  announce(server, settings, { terminal, logger });
  await stopped(signals.stopped);
  logger.log("info", "server.draining", { signal: String(signals.stopped.reason), inFlight: server.gateway.inFlightCount });
  const cutOff = await server.gateway.drain(settings.drainTimeoutMs);
  page?.close();
  await server.close();
  lag.stop();
  logger.log("info", "server.stopped", { cutOff });
  return exitCodes.done;
}

function readTls(directory: string): TlsContext {
  return createTlsContext(readCertificateFiles(directory));
}

async function openOrExplain(server: Server, signal: AbortSignal): Promise<void> {
  try {
    await server.open(signal);
  } catch (error) {
    if (!(error instanceof ClusterFailure)) throw error;
    const exitCode = error.kind === "halt" ? exitCodes.refused : exitCodes.unreachable;
    throw new CommandFailure(error.reason ?? "QUORUM_LOST", error.message, { exitCode, remedy: "kakera doctor DIR...", cause: error });
  }
}

async function servePage(server: Server, settings: ServerSettings): Promise<HttpServer | null> {
  if (settings.consoleAddress === null) return null;
  const folder = join(import.meta.dirname, "..", "status-page", "assets");
  const assets = {
    html: readFileSync(join(folder, "index.html")),
    script: readFileSync(join(folder, "status.js")),
    style: readFileSync(join(folder, "status.css")),
  };
  const endpoint = { port: settings.address.port, isTls: settings.certsDir !== null, region: settings.region };
  const app = createStatusApp({ assets, status: () => server.state.status(), endpoint });
  const handle = app.callback();
  const page = createHttpServer((request, response) => void handle(request, response));
  await listen(page, settings.consoleAddress);
  return page;
}

function showSettings(
  resolved: ReturnType<typeof resolveSettings>,
  to: { readonly terminal: Terminal; readonly logger: ServerLogger },
): void {
  const described = describeSettings(resolved);
  if (resolved.settings.logFormat === "text") {
    if (isTalkative(resolved.settings)) for (const line of renderSettings(described)) to.terminal.print(line);
  } else to.logger.log("info", "config.effective", { settings: described });
}

function announce(
  server: Server,
  settings: ServerSettings,
  to: { readonly terminal: Terminal; readonly logger: ServerLogger },
): void {
  const isTls = settings.certsDir !== null;
  const { geometry } = server.formation;
  to.logger.log("info", "server.ready", { endpoint: urlOf(settings.address, isTls), geometry });
  const banner = renderBanner({
    ...settings,
    isTls,
    geometry,
    driveCount: settings.drives.length,
    missingCount: server.bay.slots.filter(({ state }) => state.kind === "left").length,
    isSameDevice: server.isSameDevice,
    rootKey: server.rootKey,
    firstPlace: settings.drives[0] ?? "",
  });
  if (!isTalkative(settings)) return;
  // Beside JSON lines on stdout the banner is for people: stderr.
  for (const line of banner) settings.logFormat === "text" ? to.terminal.print(line) : to.terminal.hint(line);
}

function isTalkative(settings: ServerSettings): boolean {
  return settings.logLevel === "info" || settings.logLevel === "debug";
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
